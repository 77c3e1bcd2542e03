//! What must hold of everything that reads hostile bytes: a module for each
//! reader, whose `holds` takes any bytes and panics where something does not.
//!
//! The fuzz targets and the tests (`tests/hostile`) share them. Those that need
//! the whole server, and RocksDB with it, stand under the feature `serve`.

pub mod artifact_manifest;
pub mod bundle;
#[cfg(feature = "serve")]
pub mod filters;
#[cfg(feature = "serve")]
pub mod http;
pub mod json;
pub mod key_file;
pub mod logbook;
mod logs;
pub mod note;
pub mod package_manifest;
pub mod proof;
pub mod route;
pub mod rules;
mod second_json;
mod second_time;
#[cfg(feature = "serve")]
mod server;
pub mod statement;
pub mod store_record;
pub mod tile;
pub mod timestamp;
pub mod tlog_proof;
pub mod witness_policy;
