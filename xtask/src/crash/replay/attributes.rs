//! What a file has beside its bytes: mode, owner, times, extended attributes.
//!
//! In and out: the node of the model and the file on the disk. Only the attributes that people set
//! (`user.…`) and the access control list are looked at: the others belong to the place.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, XattrFlags, lgetxattr, llistxattr, lsetxattr,
    utimensat,
};
use rustix::io::Errno;

use super::image::Node;
use crate::Outcome;
use crate::tree::at;

/// More than any file system keeps in one attribute.
const MOST: usize = 64 * 1024;

/// The extended attributes of a file, as far as they are its own.
pub(crate) fn read(path: &Path) -> Outcome<BTreeMap<OsString, Vec<u8>>> {
    let mut names = vec![0; MOST];
    let length = match llistxattr(path, &mut names[..]) {
        Err(Errno::NOTSUP) => 0,
        length => length.map_err(|error| at(path)(error.into()))?,
    };
    let mut found = BTreeMap::new();
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| is_kept(name))
    {
        let mut value = vec![0; MOST];
        let length =
            lgetxattr(path, name, &mut value[..]).map_err(|error| at(path)(error.into()))?;
        value.truncate(length);
        found.insert(OsStr::from_bytes(name).to_owned(), value);
    }
    Ok(found)
}

fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"system.posix_acl_access"
}

/// Gives a file that was just made what its node has.
pub(crate) fn write(path: &Path, node: &Node) -> Outcome {
    let failed = |error: Errno| at(path)(error.into());
    for (name, value) in &node.attributes {
        lsetxattr(path, name.as_os_str(), value, XattrFlags::empty()).map_err(failed)?;
    }
    let facts = fs::symlink_metadata(path).map_err(at(path))?;
    if (facts.uid(), facts.gid()) != node.owner {
        std::os::unix::fs::chown(path, Some(node.owner.0), Some(node.owner.1)).map_err(at(path))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(node.mode)).map_err(at(path))?;
    let Some((seconds, nanoseconds)) = node.modified else {
        return Ok(());
    };
    let time = |seconds, nanoseconds| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time(0, UTIME_OMIT),
        last_modification: time(seconds, nanoseconds),
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)
}
