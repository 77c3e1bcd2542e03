//! The agent: one key, asked over a Unix socket, which signs messages of a log and
//! nothing else.

use std::fs::{self, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::super::frames::{self, AgentAnswer};
use crate::ledger::key::Signer;
use crate::ledger::signed::Message;

/// Connections at a time. Each may hold one message.
const CONNECTIONS: usize = 32;

/// A key that is asked.
pub struct Agent {
    signer: Arc<dyn Signer>,
    listener: UnixListener,
    /// Who may ask, beside the agent's own user.
    users: Vec<u32>,
}

/// What the agent refused, for who operates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedRequest {
    /// A user who may not ask.
    User(u32),
    /// A message that is none of a log, from this user.
    Message(u32),
    /// One connection too many.
    Connection,
}

impl Agent {
    /// Listens at `socket`. A file that an agent left behind is replaced. `users` may
    /// ask beside this process's own: the system says who connects.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] where an agent listens there,
    /// [`io::ErrorKind::AlreadyExists`] where something else stands; what the system says.
    pub fn bind(socket: &Path, users: Vec<u32>, signer: Arc<dyn Signer>) -> io::Result<Agent> {
        clear(socket)?;
        // Nobody else connects before its mode is set: the file comes into place then.
        let hidden = hidden(socket);
        let listener = UnixListener::bind(&hidden)?;
        let mode = if users.is_empty() { 0o600 } else { 0o666 };
        let placed = fs::set_permissions(&hidden, Permissions::from_mode(mode))
            .and_then(|()| fs::rename(&hidden, socket));
        if let Err(error) = placed {
            // It is of no use to anybody.
            let _ = fs::remove_file(&hidden);
            return Err(error);
        }
        Ok(Agent {
            signer,
            listener,
            users,
        })
    }

    /// Answers until the process ends; `refused` is told what was not signed.
    ///
    /// # Errors
    /// Where no connection can be accepted any more.
    pub fn run(self, refused: impl Fn(RefusedRequest) + Send + Sync + 'static) -> io::Result<()> {
        let refused = Arc::new(refused);
        let open = Arc::new(AtomicUsize::new(0));
        loop {
            let (stream, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                // The caller went away again.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let Ok(user) = getsockopt(&stream, PeerCredentials).map(|peer| peer.uid()) else {
                continue;
            };
            if user != rustix::process::geteuid().as_raw() && !self.users.contains(&user) {
                refused(RefusedRequest::User(user));
                continue;
            }
            if open.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                refused(RefusedRequest::Connection);
                continue;
            }
            let (signer, refused, open) = (
                Arc::clone(&self.signer),
                Arc::clone(&refused),
                Arc::clone(&open),
            );
            std::thread::spawn(move || {
                // A connection that breaks off has no more to be told.
                let _ = answer(&stream, &*signer, || refused(RefusedRequest::Message(user)));
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

fn answer(stream: &UnixStream, signer: &dyn Signer, refused: impl Fn()) -> io::Result<()> {
    let (mut reading, mut writing) = (BufReader::new(stream), stream);
    frames::greet(&mut writing, &signer.public_key())?;
    while let Some(message) = frames::asked(&mut reading)? {
        let signed = Message::of(&message).and_then(|_| signer.sign(&message).ok());
        let given = match signed {
            Some(signature) => AgentAnswer::Signed(signature),
            None => {
                refused();
                AgentAnswer::Refused
            }
        };
        frames::answer(&mut writing, &given)?;
    }
    Ok(())
}

/// A name beside the socket, of this process.
fn hidden(socket: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(socket.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    socket.with_file_name(name)
}

/// Makes sure that nothing of another's is replaced.
fn clear(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let own = found.uid() == rustix::process::geteuid().as_raw();
    if !found.file_type().is_socket() || !own {
        let text = "something stands there that is not a socket of this user";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let text = "another agent listens there";
            Err(io::Error::new(io::ErrorKind::AddrInUse, text))
        }
    }
}
