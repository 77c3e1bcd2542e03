//! A key in a process of its own: what asks it, and what it is.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use thiserror::Error;

use super::SignerError;
use super::frames::{self, AgentAnswer};
use crate::ledger::key::{PublicKey, SignError, Signature, Signer};

#[cfg(feature = "verify")]
mod serving;

#[cfg(feature = "verify")]
pub use serving::{Agent, RefusedRequest};

/// How long a signature may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Connections that are kept for the next signature.
const KEPT: usize = 16;

/// Has an agent sign.
pub struct Client {
    socket: PathBuf,
    key: PublicKey,
    idle: Mutex<Vec<AgentConnection>>,
}

struct AgentConnection {
    stream: BufReader<UnixStream>,
}

/// Why the agent did not sign.
#[derive(Debug, Error)]
enum AgentRefusal {
    #[error("the agent at {}: {source}", socket.display())]
    Gone { socket: PathBuf, source: io::Error },
    #[error("the agent at {} does not sign this: it is not a message of a log", socket.display())]
    Message { socket: PathBuf },
    #[error("the agent at {} has another key than before", socket.display())]
    Key { socket: PathBuf },
}

impl Client {
    /// Connects to the agent at `socket`, and asks for its key.
    ///
    /// # Errors
    /// [`SignerError::Agent`], [`SignerError::NotAnAgent`].
    pub fn connect(socket: &Path) -> Result<Client, SignerError> {
        let path = || socket.to_owned();
        let connected = connect(socket);
        let connected = connected.map_err(|source| SignerError::Agent {
            path: path(),
            source,
        })?;
        let (connection, key) =
            connected.ok_or_else(|| SignerError::NotAnAgent { path: path() })?;
        Ok(Client {
            socket: path(),
            key,
            idle: Mutex::new(vec![connection]),
        })
    }

    /// A connection that is there, and whether it was used before.
    fn take(&self) -> Result<(AgentConnection, bool), AgentRefusal> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        if let Some(connection) = kept {
            return Ok((connection, true));
        }
        let socket = || self.socket.clone();
        match connect(&self.socket) {
            Ok(Some((connection, key))) if key == self.key => Ok((connection, false)),
            Ok(_) => Err(AgentRefusal::Key { socket: socket() }),
            Err(source) => Err(AgentRefusal::Gone {
                socket: socket(),
                source,
            }),
        }
    }

    fn ask(&self, message: &[u8]) -> Result<Signature, AgentRefusal> {
        loop {
            let (mut connection, used) = self.take()?;
            match connection.sign(message) {
                Ok(answer) => {
                    if let Ok(mut idle) = self.idle.lock()
                        && idle.len() < KEPT
                    {
                        idle.push(connection);
                    }
                    let socket = self.socket.clone();
                    return match answer {
                        AgentAnswer::Signed(signature) => Ok(signature),
                        AgentAnswer::Refused => Err(AgentRefusal::Message { socket }),
                    };
                }
                // The agent was started again since: the same message gives the same bytes.
                Err(_) if used => {}
                Err(source) => {
                    let socket = self.socket.clone();
                    return Err(AgentRefusal::Gone { socket, source });
                }
            }
        }
    }
}

impl Signer for Client {
    fn public_key(&self) -> PublicKey {
        self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.ask(message)
            .map_err(|refusal| SignError::Refused(Box::new(refusal)))
    }
}

impl AgentConnection {
    fn sign(&mut self, message: &[u8]) -> io::Result<AgentAnswer> {
        frames::ask(self.stream.get_mut(), message)?;
        frames::answered(&mut self.stream)
    }
}

/// A connection and the key that answers; `None` where no agent does.
fn connect(socket: &Path) -> io::Result<Option<(AgentConnection, PublicKey)>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut stream = BufReader::new(stream);
    let key = frames::greeted(&mut stream).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let text = "it closed the connection: this user may not ask it, or too many do";
            io::Error::new(io::ErrorKind::PermissionDenied, text)
        }
        _ => error,
    })?;
    Ok(key.map(|key| (AgentConnection { stream }, key)))
}
