//! Files of one folder, read without being led out of it.
//!
//! Anyone who can write into a folder that is about to be verified can put links,
//! pipes and devices into it, and can swap them while it is read. So nothing is
//! opened by path: a [`Root`] holds the folder open, every step below it is
//! opened relative to the step before without following links, and what was
//! opened is looked at again. A link is resolved to the place it names, and that
//! place is then opened in the same way, so a link counts only if it stays
//! inside, and only if nothing moved in between.
//!
//! Nothing here writes, but for [`replace`] and [`replace_private`].

mod contents;
mod regular;
mod replace;
mod root;
mod seam;
mod tree;
mod walk;

pub use contents::{FileDigest, FileOutcome, FileReadError, digest_each, digest_each_within};
pub use regular::{open_regular, read_within};
pub use replace::{replace, replace_private};
pub use root::{FileState, OpenError, OpenFile, Root};
pub use seam::{Disk, FileSystem, Folder};
pub use tree::digest_tree;
pub use walk::{Skip, Tree, TreeError, TreeProblem, WalkedFile, list};
