//! The Unix socket beside the ledger, for the other processes of this machine.
//!
//! Who they are says the system. Root and the server's own user, who could write
//! the ledger anyway, may do everything; the members of a group that was named may
//! append, have requests routed and evidence judged. Nothing of this holds for TCP.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

use super::peer::Local;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// A socket that listens. Its file goes with it.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file.
    file: (u64, u64),
    group: Option<u32>,
}

impl LocalSocket {
    /// Listens at `path`, of which `group`, if any, may use it beside root and this
    /// process's user. A file that a server left behind is replaced.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] where somebody listens already,
    /// [`io::ErrorKind::AlreadyExists`] where something else stands there, or another
    /// user's socket; and what the system says, as where the path is too long or the
    /// folder cannot be written.
    pub fn bind(path: &Path, group: Option<u32>) -> io::Result<LocalSocket> {
        clear(path)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        // Nobody can connect before it listens.
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        if group.is_some() {
            chown(path, None, group)?;
        }
        let file = fs::symlink_metadata(path)?;
        Ok(LocalSocket {
            listener: socket.listen(BACKLOG)?,
            path: path.to_owned(),
            file: (file.dev(), file.ino()),
            group,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection, and whose it is: `None` of one that may not come in.
    pub(super) async fn accept(&self) -> io::Result<(UnixStream, Option<Local>)> {
        let (stream, _) = self.listener.accept().await?;
        let caller = self.caller(&stream).ok().flatten();
        Ok((stream, caller))
    }

    fn caller(&self, stream: &UnixStream) -> io::Result<Option<Local>> {
        let uid = stream.peer_cred()?.uid();
        let owns = uid == 0 || uid == rustix::process::geteuid().as_raw();
        // Without a group its mode lets in nobody else, unless somebody changed it.
        Ok((owns || self.group.is_some()).then_some(Local { uid, owns }))
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        let here = fs::symlink_metadata(&self.path);
        if here.is_ok_and(|file| (file.dev(), file.ino()) == self.file) {
            // One that stays is replaced by the next server.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes place for a socket where a server that is gone left its own.
fn clear(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let own = found.uid() == rustix::process::geteuid().as_raw();
    if !found.file_type().is_socket() || !own {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something stands there that is not a socket of this user",
        ));
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another server listens there",
        )),
    }
}
