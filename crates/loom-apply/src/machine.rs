//! The machine below the disk: which kernel, which file system, who holds a lock.
//!
//! In: opened files. Out: what the system tells, by its own calls and by `/proc` where there is one.
//!
//! Deliberately not here: anything that changes the repository (`disk`), and what follows from it.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use crate::disk::{self, Facts};
use crate::doctor::Room;

/// How a path is opened without following links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// In one call of the kernel (`openat2`).
    Whole,
    /// Part by part.
    Parts,
}

/// What lasts on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// What was made durable, also through a power loss.
    Kept,
    /// As on the file system that it is layered over.
    AsBelow,
    /// By its makers' word; loom's protocol was not tried on it.
    Untested,
    /// Nothing, through a power loss: it is in memory, or told not to care.
    UntilPowerLoss,
    /// As another machine says.
    Remote,
    /// Without journal, links or an exchange.
    Simple,
}

/// How much room is left on the file system of a directory, for whoever runs loom.
pub(crate) fn room(directory: BorrowedFd<'_>) -> io::Result<Room> {
    let facts = rustix::fs::fstatvfs(directory)?;
    Ok(Room {
        bytes: facts.f_bavail.saturating_mul(facts.f_frsize),
        // some file systems count no files
        files: (facts.f_files > 0).then_some(facts.f_favail),
    })
}

/// Who holds the lock of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    No,
    By(u32),
    Unknown,
}

/// The file systems that loom knows, by the number that `statfs` gives (`linux/magic.h`), and by name.
const KNOWN: &[(u32, &str, Lasting)] = &[
    (0xef53, "ext4", Lasting::Kept),
    (0x5846_5342, "xfs", Lasting::Kept),
    (0x9123_683e, "btrfs", Lasting::Kept),
    (0x794c_7630, "overlay", Lasting::AsBelow),
    (0x0102_1994, "tmpfs", Lasting::UntilPowerLoss),
    (0x8584_58f6, "ramfs", Lasting::UntilPowerLoss),
    (0x6969, "nfs", Lasting::Remote),
    (0x517b, "smb", Lasting::Remote),
    (0xff53_4d42, "cifs", Lasting::Remote),
    (0xfe53_4d42, "smb3", Lasting::Remote),
    (0x0102_1997, "9p", Lasting::Remote),
    (0x6573_5546, "fuse", Lasting::Remote),
    (0x00c3_6400, "ceph", Lasting::Remote),
    (0x6b41_4653, "afs", Lasting::Remote),
    (0x786f_4256, "vboxsf", Lasting::Remote),
    (0x4d44, "vfat", Lasting::Simple),
    (0x2011_bab0, "exfat", Lasting::Simple),
    (0x5346_544e, "ntfs", Lasting::Simple),
    (0x7366_746e, "ntfs3", Lasting::Simple),
    (0xf2f5_2010, "f2fs", Lasting::Untested),
    (0x2fc1_2fc1, "zfs", Lasting::Untested),
    (0xca45_1a4e, "bcachefs", Lasting::Untested),
];

/// Mount options that tell a file system not to care for a power loss.
const CARELESS: &[&str] = &["volatile", "nobarrier", "barrier=0"];

/// The name and release of the system, and how it opens a path below `directory`.
pub(crate) fn kernel(directory: BorrowedFd<'_>) -> (String, Opening) {
    let system = rustix::system::uname();
    let release = format!(
        "{} {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy()
    );
    (release, opening(directory))
}

#[cfg(target_os = "linux")]
fn opening(directory: BorrowedFd<'_>) -> Opening {
    use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat2(directory, ".", flags, Mode::empty(), resolve) {
        Ok(_) => Opening::Whole,
        Err(_) => Opening::Parts,
    }
}

#[cfg(not(target_os = "linux"))]
fn opening(_directory: BorrowedFd<'_>) -> Opening {
    Opening::Parts
}

/// What the file system of a directory is called, and what lasts on it.
#[cfg(target_os = "linux")]
pub(crate) fn file_system(directory: BorrowedFd<'_>) -> io::Result<(String, Lasting)> {
    let number = rustix::fs::fstatfs(directory)?.f_type;
    // The type's width and sign differ between systems; the numbers have 32 bits.
    let number = u32::try_from(number & 0xffff_ffff).unwrap_or_default();
    let mounts = disk::read_path(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let (mount, _) = disk::mount_of(directory)?;
    Ok(judge(
        number,
        mount_line(&String::from_utf8_lossy(&mounts), mount),
    ))
}

/// What the file system of a directory is called, and what lasts on it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn file_system(_directory: BorrowedFd<'_>) -> io::Result<(String, Lasting)> {
    Ok(("unknown".to_owned(), Lasting::Untested))
}

/// The type and the options of a mount, from the text of `/proc/self/mountinfo` (proc(5)).
fn mount_line(mounts: &str, number: u64) -> Option<(&str, &str)> {
    let line = mounts.lines().find(|line| {
        line.split(' ')
            .next()
            .is_some_and(|id| id.parse() == Ok(number))
    })?;
    let (_, rest) = line.split_once(" - ")?;
    let mut fields = rest.split(' ');
    let kind = fields.next()?;
    Some((kind, fields.nth(1).unwrap_or("")))
}

/// A file system by its number, and by what its mount says: the mount knows more names.
fn judge(number: u32, mount: Option<(&str, &str)>) -> (String, Lasting) {
    let known = KNOWN.iter().find(|(magic, ..)| *magic == number);
    let name = match (mount, known) {
        (Some((kind, _)), _) => kind.to_owned(),
        (None, Some((_, name, _))) => (*name).to_owned(),
        (None, None) => format!("file system {number:#x}"),
    };
    let is_careless = mount
        .is_some_and(|(_, options)| options.split(',').any(|option| CARELESS.contains(&option)));
    match known {
        Some((_, _, Lasting::Kept | Lasting::AsBelow)) if is_careless => {
            (name, Lasting::UntilPowerLoss)
        }
        // One number stands for three, and the oldest has no journal.
        Some((0xef53, ..)) if name == "ext2" => (name, Lasting::Simple),
        Some((_, _, lasting)) => (name, *lasting),
        None => (name, Lasting::Untested),
    }
}

/// Tries to give a file an attribute of the user's own.
pub(crate) fn try_attribute(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(rustix::fs::fsetxattr(
        file,
        "user.loom",
        b"1",
        rustix::fs::XattrFlags::empty(),
    )?)
}

/// Who holds the lock of a file, as the kernel lists it: nothing is tried.
pub(crate) fn holder_of(file: &Facts) -> Held {
    match disk::read_path(Path::new("/proc/locks")) {
        Ok(locks) => locked_by(&String::from_utf8_lossy(&locks), file.inode),
        Err(_) => Held::Unknown,
    }
}

/// Such as `3: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF` (proc(5)). The device is left out: some
/// file systems show another one here than in `stat`.
fn locked_by(locks: &str, inode: u64) -> Held {
    let process = locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", process, place, ..] = fields.as_slice() else {
            return None;
        };
        let held = place.rsplit(':').next()?.parse() == Ok(inode);
        process.parse().ok().filter(|_| held)
    });
    process.map_or(Held::No, Held::By)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
61 29 0:48 / /merged rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w,volatile
62 29 0:49 / /home/a rw - nfs4 server:/a rw,vers=4.2
";

    #[test]
    fn a_file_system_is_known_by_its_number_and_its_mount() {
        let of = |number, mount| judge(number, mount_line(MOUNTS, mount));
        assert_eq!(of(0xef53, 29), ("ext4".to_owned(), Lasting::Kept));
        assert_eq!(of(0x6969, 62), ("nfs4".to_owned(), Lasting::Remote));
        assert_eq!(
            of(0x794c_7630, 61),
            ("overlay".to_owned(), Lasting::UntilPowerLoss)
        );
        assert_eq!(of(0x794c_7630, 9), ("overlay".to_owned(), Lasting::AsBelow));
        assert_eq!(
            of(0x0102_1994, 9),
            ("tmpfs".to_owned(), Lasting::UntilPowerLoss)
        );
        assert_eq!(
            of(0xabc, 9),
            ("file system 0xabc".to_owned(), Lasting::Untested)
        );
    }

    #[test]
    fn a_lock_is_found_by_its_inode_and_those_who_wait_do_not_hold_it() {
        let locks = "1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 12 fe:00:131 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 9 fe:00:132 0 EOF\n";
        assert_eq!(locked_by(locks, 131), Held::By(4711));
        assert_eq!(locked_by(locks, 132), Held::No);
        assert_eq!(locked_by("", 131), Held::No);
    }
}
