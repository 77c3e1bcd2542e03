//! Users of this machine, as entries name them.

use std::fs;

use crate::ledger::json::{Object, Value};

/// `{"via", "uid", "user", "host"}` of the user who runs this process.
#[must_use]
pub fn this_user(via: &str) -> Value {
    user(via, rustix::process::getuid().as_raw())
}

/// `{"via", "uid", "user", "host"}`; a name is `null` where this machine has
/// none. The uid is the system's word, the names are for people.
#[must_use]
pub fn user(via: &str, uid: u32) -> Value {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let members: Object = [
        ("via", Value::from(via)),
        ("uid", Value::from(u64::from(uid))),
        ("user", Value::from(user_name(uid))),
        ("host", Value::from(&*host)),
    ]
    .into_iter()
    .collect();
    Value::Object(members)
}

fn user_name(uid: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut users = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let uid = uid.to_string();
    let user = users.find(|fields| fields.get(2) == Some(&uid.as_str()))?;
    user.first().map(|name| (*name).to_owned())
}
