//! The door to the disk: every call by which loom reads or changes a managed file.
//!
//! In: opened directories and names in them. Out: what the system said, as [`io::Error`].
//!
//! Invariants: nothing here follows a symbolic link below the root (`O_NOFOLLOW`, `openat2` with
//! `RESOLVE_BENEATH | NO_SYMLINKS | NO_MAGICLINKS`; test `a_link_in_a_path_is_never_followed`),
//! nothing is changed below a mount (`NO_XDEV`; tests of `tests::paths`), and everything that changes something is a method of [`Disk`], so that the tests can make the k-th
//! change fail (`tests::faults`).
//!
//! Deliberately not here: what a path means, and what to do about an error.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use loom_plan::snapshot::MAX_FILE;

use crate::care::Care;

/// How many seconds the time of a file may lag behind, on any file system.
const RACY: u64 = 2;

/// What the last part of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    Device,
}

impl Kind {
    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => Self::Device,
        }
    }

    /// The noun, for people.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        }
    }
}

/// What the system knows of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Seconds and nanoseconds.
    pub(crate) modified: (u64, u64),
    /// The twelve bits of the mode that `chmod` sets.
    pub(crate) permissions: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    /// How many names the file has.
    pub(crate) links: u64,
}

impl Facts {
    fn of(stat: &Stat) -> Self {
        Self {
            kind: Kind::of(FileType::from_raw_mode(stat.st_mode)),
            device: wide(stat.st_dev),
            inode: wide(stat.st_ino),
            size: wide(stat.st_size),
            modified: (wide(stat.st_mtime), wide(stat.st_mtime_nsec)),
            permissions: Mode::from_raw_mode(stat.st_mode).bits() & 0o7777,
            owner: stat.st_uid,
            group: stat.st_gid,
            links: wide(stat.st_nlink),
        }
    }

    /// Whether both are the same file, by identity.
    pub(crate) fn same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// The fields of `stat` differ in width between systems.
fn wide(value: impl TryInto<u64>) -> u64 {
    value.try_into().unwrap_or_default()
}

/// A directory by its path, links followed: for the root and Git's directory only.
pub(crate) fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?)
}

/// The path without links and `..`.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// What a path of any kind leads to, links followed; for the search of the root only.
pub(crate) fn kind_at(path: &Path) -> io::Result<Kind> {
    Ok(Kind::of(FileType::from_raw_mode(fs::stat(path)?.st_mode)))
}

/// The bytes of a file by its path, links followed: for Git's own small files only.
pub(crate) fn read_path(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::open(
        path,
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut bytes = Vec::new();
    read_to_end(file.as_fd(), None, &mut bytes)?;
    Ok(bytes)
}

/// Whether the last part of a path is a link, links before it followed.
pub(crate) fn is_link(path: &Path) -> bool {
    let stat = fs::lstat(path);
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// A file outside of repositories for reading, as the system takes its path.
pub(crate) fn open_named(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(fs::open(path, flags, Mode::empty())?)
}

/// A file outside of repositories for writing, emptied, as the system takes its path.
pub(crate) fn create_named(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(fs::open(path, flags, Mode::from_raw_mode(0o666))?)
}

/// Takes everything out of an opened file.
pub(crate) fn empty(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fs::ftruncate(file, 0)?)
}

/// The directory `path` below `root`; `""` is the root itself. No link is followed.
pub(crate) fn open_beneath(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    open(root, path, Mounts::Any)
}

/// As [`open_beneath`], but no mount is entered either, as far as the kernel sees to it.
pub(crate) fn open_on_mount(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    open(root, path, Mounts::Same)
}

/// Which mounts a path may lead through: any, or the root's own.
#[derive(Clone, Copy)]
enum Mounts {
    Any,
    Same,
}

fn open(root: BorrowedFd<'_>, path: &str, mounts: Mounts) -> io::Result<OwnedFd> {
    let path = if path.is_empty() { "." } else { path };
    match open_resolved(root, path, mounts) {
        Err(Errno::NOSYS | Errno::PERM) => open_part_by_part(root, path),
        other => Ok(other?),
    }
}

#[cfg(target_os = "linux")]
fn open_resolved(root: BorrowedFd<'_>, path: &str, mounts: Mounts) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let resolve = match mounts {
        Mounts::Any => beneath,
        Mounts::Same => beneath | ResolveFlags::NO_XDEV,
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The kernel asks for another try where somebody renames directories meanwhile: not for ever.
    let mut tries = (0..100).map(|_| fs::openat2(root, path, flags, Mode::empty(), resolve));
    tries
        .find(|opened| !matches!(opened, Err(Errno::AGAIN | Errno::INTR)))
        .unwrap_or(Err(Errno::AGAIN))
}

#[cfg(not(target_os = "linux"))]
fn open_resolved(_root: BorrowedFd<'_>, _path: &str, _mounts: Mounts) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// For kernels before 5.6, and for sandboxes that refuse `openat2`.
fn open_part_by_part(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let mut directory = root.try_clone_to_owned()?;
    for part in path.split('/') {
        directory = open_child(directory.as_fd(), part)?;
    }
    Ok(directory)
}

/// The directory `name` in `parent`, unless it is a link.
pub(crate) fn open_child(parent: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::openat(parent, name, flags, Mode::empty())?)
}

/// The file `name` in `directory` for reading; a link is an error, and nothing is waited for.
pub(crate) fn open_file(directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match fs::openat(directory, name, flags | UNRECORDED, Mode::empty()) {
        // Only its owner may.
        Err(Errno::PERM) => Ok(fs::openat(directory, name, flags, Mode::empty())?),
        opened => Ok(opened?),
    }
}

/// That a file was read is not written down with it: for many files that is work for the disk.
#[cfg(target_os = "linux")]
const UNRECORDED: OFlags = OFlags::NOATIME;
#[cfg(not(target_os = "linux"))]
const UNRECORDED: OFlags = OFlags::empty();

/// What `name` in `directory` is, itself.
pub(crate) fn facts(directory: BorrowedFd<'_>, name: &str) -> io::Result<Facts> {
    Ok(Facts::of(&fs::statat(
        directory,
        name,
        AtFlags::SYMLINK_NOFOLLOW,
    )?))
}

/// Extended attributes by their names.
pub(crate) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// The extended attributes of a file that another in its place should have.
pub(crate) fn attributes(file: BorrowedFd<'_>) -> io::Result<Attributes> {
    let mut names = vec![0; 0];
    match fs::flistxattr_query(file) {
        Ok(0) | Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        Ok(length) => names.resize(length, 0),
        Err(error) => return Err(error.into()),
    }
    let length = fs::flistxattr(file, &mut names[..])?;
    let value = |name: &[u8]| {
        let mut value = vec![0; fs::fgetxattr_query(file, name)?];
        let length = fs::fgetxattr(file, name, &mut value[..])?;
        value.truncate(length);
        Ok((name.to_vec(), value))
    };
    names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| is_kept(name))
        .map(value)
        .collect()
}

/// Whether a file was written so lately that it may be written again without a new time.
pub(crate) fn is_racy(facts: &Facts) -> bool {
    facts.modified.0 + RACY >= now()
}

/// What an opened file is.
pub(crate) fn facts_of(file: BorrowedFd<'_>) -> io::Result<Facts> {
    Ok(Facts::of(&fs::fstat(file)?))
}

/// Which mount and device a directory is on.
#[cfg(target_os = "linux")]
pub(crate) fn mount_of(directory: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    use rustix::fs::{StatxFlags, statx};
    let device = facts_of(directory)?.device;
    match statx(directory, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
        Ok(known) => Ok((known.stx_mnt_id, device)),
        Err(Errno::NOSYS) => Ok((0, device)),
        Err(error) => Err(error.into()),
    }
}

/// Which mount and device a directory is on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn mount_of(directory: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    Ok((0, facts_of(directory)?.device))
}

/// Reads the rest of a file into `buffer`, which is emptied first and keeps its room.
///
/// Of a regular file whose `size` is known, the read that would only say that it ends is saved.
pub(crate) fn read_to_end(
    file: BorrowedFd<'_>,
    size: Option<u64>,
    buffer: &mut Vec<u8>,
) -> io::Result<()> {
    buffer.clear();
    if let Some(size) = size.filter(|size| *size > MAX_FILE) {
        let most = MAX_FILE >> 20;
        let error = format!("it has {size} bytes, and loom reads files of up to {most} MiB");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
    }
    buffer.reserve(usize::try_from(size.unwrap_or(0)).unwrap_or(0));
    while size.is_none_or(|size| size == 0 || (buffer.len() as u64) < size) {
        if buffer.len() == buffer.capacity() {
            buffer.reserve(buffer.len().max(16 * 1024));
        }
        match rustix::io::read(file, rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads what a file begins with into `buffer`: a few kilobytes, or all of a shorter one.
pub(crate) fn read_begin(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    buffer.reserve(4096);
    rustix::io::retry_on_intr(|| {
        rustix::io::pread(file, rustix::buffer::spare_capacity(buffer), 0)
    })?;
    Ok(())
}

/// The names in a directory with what they are, sorted; names that are not UTF-8 are left out.
pub(crate) fn list(directory: BorrowedFd<'_>) -> io::Result<Vec<(String, Kind)>> {
    let mut entries = Vec::new();
    for entry in fs::Dir::read_from(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if matches!(name, "." | "..") {
            continue;
        }
        let known = entry.file_type();
        let kind = if known == FileType::Unknown {
            facts(directory, name)?.kind
        } else {
            Kind::of(known)
        };
        entries.push((name.to_owned(), kind));
    }
    entries.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
    Ok(entries)
}

/// Whether the user may make and remove names in a directory.
pub(crate) fn may_change(directory: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fs::accessat(
        directory,
        ".",
        fs::Access::WRITE_OK | fs::Access::EXEC_OK,
        AtFlags::EACCESS,
    )?)
}

/// Gives the lock of a file back.
pub(crate) fn unlock(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fs::flock(file, FlockOperation::Unlock)?)
}

/// Whether a second name failed because there are none, here or there.
pub(crate) fn has_no_links(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(
        errno,
        Some(Errno::PERM | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV | Errno::MLINK)
    )
}

/// How many bytes wait to be written to any disk, as far as the system says.
pub(crate) fn unwritten() -> u64 {
    let text = read_path(Path::new("/proc/meminfo")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let waiting = text.lines().filter_map(|line| {
        line.strip_prefix("Dirty:")
            .or(line.strip_prefix("Writeback:"))
    });
    waiting
        .filter_map(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .sum::<u64>()
        * 1024
}

/// Whether a directory belongs to the user who runs loom.
pub(crate) fn is_mine(facts: &Facts) -> bool {
    facts.owner == rustix::process::geteuid().as_raw()
}

/// Whether an exchange failed because the kernel or the file system has none.
pub(crate) fn has_no_exchange(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)
    )
}

/// The wall clock, in seconds since 1970.
pub(crate) fn now() -> u64 {
    wide(rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec)
}

/// What this machine is called.
pub(crate) fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Everything that changes something.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: crate::tests::faults::Faults,
}

impl Disk {
    /// Where the tests let a change fail.
    #[cfg(test)]
    fn step(&self, call: &'static str) -> io::Result<()> {
        self.faults.step(call)
    }

    /// Where the tests let a change fail.
    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the tests have another"
    )]
    fn step(&self, _call: &'static str) -> io::Result<()> {
        Ok(())
    }

    /// Whether a care is taken: always, but where a control of the crash tests leaves it out.
    #[cfg_attr(
        not(any(test, feature = "sabotage")),
        expect(clippy::unused_self, reason = "only the tests leave something out")
    )]
    pub(crate) fn takes(&self, care: Care) -> bool {
        #[cfg(test)]
        if self.faults.leaves_out(care) {
            return false;
        }
        !care.is_sabotaged()
    }

    /// Makes a file that is not there yet, for writing.
    pub(crate) fn create(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        mode: u32,
    ) -> io::Result<OwnedFd> {
        self.step("create")?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(
            directory,
            name,
            flags,
            Mode::from_raw_mode(mode),
        )?)
    }

    /// Opens a file for reading and writing, and makes it first where it is missing.
    pub(crate) fn open_or_create(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
    ) -> io::Result<OwnedFd> {
        self.step("create")?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(
            directory,
            name,
            flags,
            Mode::from_raw_mode(0o666),
        )?)
    }

    /// Writes all of `bytes` at the file's position.
    pub(crate) fn write(&self, file: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
        let step = self.step("write");
        #[cfg(test)]
        if step.is_err() && self.faults.tears() {
            rustix::io::write(file, &bytes[..bytes.len() / 2])?;
        }
        step?;
        while !bytes.is_empty() {
            match rustix::io::write(file, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Writes all of `bytes` over what is at `offset`, which takes no new room.
    pub(crate) fn overwrite(
        &self,
        file: BorrowedFd<'_>,
        offset: u64,
        mut bytes: &[u8],
    ) -> io::Result<()> {
        let step = self.step("overwrite");
        #[cfg(test)]
        if step.is_err() && self.faults.tears() {
            rustix::io::pwrite(file, &bytes[..bytes.len() / 2], offset)?;
        }
        step?;
        let mut at = offset;
        while !bytes.is_empty() {
            match rustix::io::pwrite(file, bytes, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => (bytes, at) = (&bytes[written..], at + written as u64),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says that the file `name` changed now.
    pub(crate) fn touch(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step("touch")?;
        let now = fs::Timespec {
            tv_sec: 0,
            tv_nsec: fs::UTIME_NOW,
        };
        let times = fs::Timestamps {
            last_access: now,
            last_modification: now,
        };
        Ok(fs::utimensat(
            directory,
            name,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// Empties a file.
    pub(crate) fn truncate(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        self.step("truncate")?;
        fs::seek(file, fs::SeekFrom::Start(0))?;
        Ok(fs::ftruncate(file, 0)?)
    }

    /// Sets the twelve bits of the mode.
    pub(crate) fn permit(&self, file: BorrowedFd<'_>, permissions: u32) -> io::Result<()> {
        self.step("permit")?;
        Ok(fs::fchmod(file, Mode::from_raw_mode(permissions))?)
    }

    /// Gives the file an owner and a group.
    pub(crate) fn own(&self, file: BorrowedFd<'_>, owner: u32, group: u32) -> io::Result<()> {
        self.step("own")?;
        Ok(fs::fchown(
            file,
            Some(fs::Uid::from_raw(owner)),
            Some(fs::Gid::from_raw(group)),
        )?)
    }

    /// Gives a file extended attributes. One that cannot be given is an error, but for a label that
    /// only the system's administrator may set: the system then gives the file its own.
    pub(crate) fn set_attributes(
        &self,
        file: BorrowedFd<'_>,
        attributes: &Attributes,
    ) -> io::Result<()> {
        for (name, value) in attributes {
            self.step("attribute")?;
            match fs::fsetxattr(file, name.as_slice(), value, fs::XattrFlags::empty()) {
                Ok(()) => {}
                Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) if name.as_slice() == LABEL => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Renames to a name that is free; [`io::ErrorKind::AlreadyExists`] where it is not.
    pub(crate) fn rename(
        &self,
        from: (BorrowedFd<'_>, &str),
        to: (BorrowedFd<'_>, &str),
    ) -> io::Result<()> {
        self.step("rename")?;
        match fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?;
                let moved = fs::unlinkat(from.0, from.1, AtFlags::empty());
                if moved.is_err() {
                    fs::unlinkat(to.0, to.1, AtFlags::empty())?;
                }
                Ok(moved?)
            }
            other => Ok(other?),
        }
    }

    /// Renames to a name of loom's own, which is known to be free: in one step on every file system.
    pub(crate) fn take(
        &self,
        from: (BorrowedFd<'_>, &str),
        to: (BorrowedFd<'_>, &str),
    ) -> io::Result<()> {
        self.step("rename")?;
        match fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                Ok(fs::renameat(from.0, from.1, to.0, to.1)?)
            }
            other => Ok(other?),
        }
    }

    /// Exchanges two names, in one step.
    pub(crate) fn exchange(
        &self,
        one: (BorrowedFd<'_>, &str),
        two: (BorrowedFd<'_>, &str),
    ) -> io::Result<()> {
        self.step("exchange")?;
        Ok(fs::renameat_with(
            one.0,
            one.1,
            two.0,
            two.1,
            RenameFlags::EXCHANGE,
        )?)
    }

    /// Renames over a name that is there.
    pub(crate) fn replace(
        &self,
        from: (BorrowedFd<'_>, &str),
        to: (BorrowedFd<'_>, &str),
    ) -> io::Result<()> {
        self.step("replace")?;
        Ok(fs::renameat(from.0, from.1, to.0, to.1)?)
    }

    /// Gives a file a second name.
    pub(crate) fn link(
        &self,
        from: (BorrowedFd<'_>, &str),
        to: (BorrowedFd<'_>, &str),
    ) -> io::Result<()> {
        self.step("link")?;
        Ok(fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?)
    }

    /// Removes a name that is not a directory.
    pub(crate) fn unlink(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step("unlink")?;
        Ok(fs::unlinkat(directory, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self, parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step("rmdir")?;
        Ok(fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
    }

    /// Makes a directory that is not there yet.
    pub(crate) fn make_directory(
        &self,
        parent: BorrowedFd<'_>,
        name: &str,
        mode: u32,
    ) -> io::Result<()> {
        self.step("mkdir")?;
        Ok(fs::mkdirat(parent, name, Mode::from_raw_mode(mode))?)
    }

    /// Makes one file or directory durable.
    pub(crate) fn sync(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        self.step("sync")?;
        Ok(fs::fsync(file)?)
    }

    /// Makes everything on the file system of `directory` durable.
    pub(crate) fn sync_all(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        self.step("syncfs")?;
        #[cfg(target_os = "linux")]
        fs::syncfs(directory)?;
        #[cfg(not(target_os = "linux"))]
        fs::fsync(directory)?;
        Ok(())
    }

    /// Takes the lock of a file if nobody holds it.
    pub(crate) fn try_lock(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        self.step("lock")?;
        Ok(fs::flock(file, FlockOperation::NonBlockingLockExclusive)?)
    }
}

/// Attributes that belong to the content's place and not to its bytes. Capabilities and signatures
/// (`security.capability`, `security.ima`) are of the bytes: new bytes do not inherit them.
fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name == b"system.posix_acl_access" || name == LABEL
}

/// The label of `SELinux`.
const LABEL: &[u8] = b"security.selinux";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::tests::Scene;

    #[test]
    #[cfg(target_os = "linux")]
    fn that_a_file_was_read_is_not_written_down_with_it() {
        let scene = Scene::new(&[("x", "text")]);
        let root = scene.root();
        let [long_ago, now] =
            [(1, 0), (0, fs::UTIME_NOW)].map(|(tv_sec, tv_nsec)| fs::Timespec { tv_sec, tv_nsec });
        let times = fs::Timestamps {
            last_access: long_ago,
            last_modification: now,
        };
        fs::utimensat(root.directory(), "x", &times, AtFlags::empty()).expect("has these times");
        read_to_end(
            open_file(root.directory(), "x").expect("opens").as_fd(),
            None,
            &mut Vec::new(),
        )
        .expect("is read");
        assert_eq!(
            fs::statat(root.directory(), "x", AtFlags::empty())
                .expect("is there")
                .st_atime,
            1
        );
    }

    #[test]
    fn a_link_in_a_path_is_never_followed() {
        let outside = Scene::new(&[("d/x", "theirs")]);
        let scene = Scene::new(&[("real/d/x", "")]);
        symlink(outside.path(), scene.path().join("link")).expect("links");
        symlink("real", scene.path().join("inner")).expect("links");
        symlink(outside.path().join("d/x"), scene.path().join("real/file")).expect("links");
        let root = open_directory(scene.path()).expect("opens");
        for open in [open_beneath, open_part_by_part] {
            for path in ["link", "link/d", "inner/d", "real/../link/d"] {
                assert!(open(root.as_fd(), path).is_err(), "{path}");
            }
            let directory = open(root.as_fd(), "real/d").expect("opens");
            assert_eq!(
                facts(directory.as_fd(), "x").expect("is there").kind,
                Kind::File
            );
        }
        assert!(open_beneath(root.as_fd(), "..").is_err());
        let real = open_beneath(root.as_fd(), "real").expect("opens");
        assert!(open_file(real.as_fd(), "file").is_err());
        assert_eq!(
            facts(real.as_fd(), "file").expect("is there").kind,
            Kind::Link
        );
    }
}
