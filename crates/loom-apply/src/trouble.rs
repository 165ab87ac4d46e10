//! Trouble: what the system refused, as a sentence that a person can act on.
//!
//! In: an [`io::Error`] and what was being done. Out: place, cause and help.

use std::io;

use rustix::io::Errno;

/// Something that the system refused.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}: {cause}")]
pub struct Trouble {
    /// What was being done, with its place: ``write `a/b` aside``.
    pub doing: String,
    /// The system's own words.
    pub cause: io::Error,
    /// What a person can do about it.
    pub help: String,
}

impl Trouble {
    pub(crate) fn new(doing: String, cause: io::Error) -> Self {
        let help = help(&cause).to_owned();
        Self { doing, cause, help }
    }
}

/// Says what was being done when it failed.
pub(crate) trait During<T> {
    fn during(self, doing: impl FnOnce() -> String) -> Result<T, Trouble>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, doing: impl FnOnce() -> String) -> Result<T, Trouble> {
        self.map_err(|cause| Trouble::new(doing(), cause))
    }
}

fn help(cause: &io::Error) -> &'static str {
    match Errno::from_io_error(cause) {
        Some(Errno::NOSPC | Errno::DQUOT) => "free some space there, then run loom again",
        Some(Errno::ACCESS | Errno::PERM) => {
            "see who owns the place and whether you may write there, then run loom again"
        }
        Some(Errno::ROFS) => {
            "the file system is mounted read-only: mount it writable, then run loom again"
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            "too many files are open: raise the limit with `ulimit -n 4096`, then run loom again"
        }
        Some(Errno::BUSY) => {
            "something is mounted at that very place: unmount it, then run loom again"
        }
        Some(Errno::XDEV) => {
            "the place is on another mount than loom's own directory, and files cannot be exchanged across mounts"
        }
        _ => "run loom again; if it happens again, the system's log says more (`dmesg`)",
    }
}
