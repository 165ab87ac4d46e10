//! A disk that remembers what it was asked to do: one file in a directory, served over FUSE.
//!
//! In: the bytes of an image, and an empty directory. Out: the file [`Disk::file`], to be used as
//! the file under a loop device; and each write and each flush that reached it, in order.
//!
//! The kernel's protocol is spoken directly (`linux/fuse.h`, version 7.31), which needs root to
//! mount and nothing else: of the forty requests a loop device makes a handful.
//!
//! Invariants: a write is answered only after it is written down, so that an event is in the log
//! before anything that depends on it (test `what_is_written_can_be_read_and_is_in_the_log`).
//!
//! Deliberately not here: what the writes mean (`images`).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use crate::Outcome;
use crate::tree::at;

/// The name of the only file.
const NAME: &str = "disk";
/// The most that the kernel is told to write at once.
const MOST: usize = 128 * 1024;
/// The numbers of the two inodes.
const TOP: u64 = 1;
const DISK: u64 = 2;

// The requests that are known, as `fuse_opcode` numbers them.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const RELEASEDIR: u32 = 29;
const INTERRUPT: u32 = 36;
const DESTROY: u32 = 38;
const BATCH_FORGET: u32 = 42;

// What the server can do, as bits of `fuse_init_out`.
const BIG_WRITES: u32 = 1 << 5;
const MAX_PAGES: u32 = 1 << 22;

/// What reached the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    /// Everything before it is kept.
    Flush,
}

/// What the server and its owner share.
#[derive(Debug, Default)]
struct Shared {
    image: Vec<u8>,
    events: Vec<Event>,
}

/// The disk, as long as it is served.
pub(crate) struct Disk {
    mounted: PathBuf,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinHandle<io::Result<()>>>,
}

impl Disk {
    /// Serves an image at the empty directory `at_directory`.
    pub(crate) fn serve(image: Vec<u8>, at_directory: &Path) -> Outcome<Self> {
        let device = Path::new("/dev/fuse");
        let channel = rustix::fs::open(device, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let channel = channel.map_err(|error| at(device)(error.into()))?;
        let options = format!(
            "fd={},rootmode=40700,user_id=0,group_id=0",
            channel.as_raw_fd()
        );
        let options = CString::new(options).map_err(|error| error.to_string())?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount(
            "loom-crash",
            at_directory,
            "fuse.loom-crash",
            flags,
            Some(options.as_c_str()),
        )
        .map_err(|error| at(at_directory)(error.into()))?;
        let shared = Arc::new(Mutex::new(Shared {
            image,
            events: Vec::new(),
        }));
        let server = Server {
            channel,
            shared: Arc::clone(&shared),
        };
        let server = std::thread::spawn(move || server.run());
        Ok(Self {
            mounted: at_directory.to_owned(),
            shared,
            server: Some(server),
        })
    }

    /// The file that is the disk.
    pub(crate) fn file(&self) -> PathBuf {
        self.mounted.join(NAME)
    }

    /// How many events there were until now.
    pub(crate) fn count(&self) -> usize {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .events
            .len()
    }

    /// Ends the service, and returns all events.
    pub(crate) fn stop(mut self) -> Outcome<Vec<Event>> {
        rustix::mount::unmount(&self.mounted, UnmountFlags::empty())
            .map_err(|error| at(&self.mounted)(error.into()))?;
        if let Some(server) = self.server.take() {
            server
                .join()
                .map_err(|_| "the server of the disk panicked".to_owned())?
                .map_err(at(&self.mounted))?;
        }
        Ok(std::mem::take(
            &mut self
                .shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .events,
        ))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // Where this fails, whoever still uses the disk lets it go later.
            let _gone = rustix::mount::unmount(&self.mounted, UnmountFlags::DETACH);
            drop(server);
        }
    }
}

/// A request of the kernel: `fuse_in_header` and what follows it.
struct Request<'a> {
    operation: u32,
    unique: u64,
    node: u64,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    fn of(packet: &'a [u8]) -> Option<Self> {
        let (operation, unique) = (number(packet, 4, 4)?, number(packet, 8, 8)?);
        let operation = u32::try_from(operation).ok()?;
        Some(Self {
            operation,
            unique,
            node: number(packet, 16, 8)?,
            body: packet.get(40..)?,
        })
    }

    fn number(&self, offset: usize, width: usize) -> Option<usize> {
        usize::try_from(number(self.body, offset, width)?).ok()
    }
}

/// A number of `width` bytes, in the order of this machine.
fn number(bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(offset..offset + width)?;
    match width {
        4 => bytes.try_into().ok().map(u32::from_ne_bytes).map(u64::from),
        _ => bytes.try_into().ok().map(u64::from_ne_bytes),
    }
}

/// An answer, built field by field.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn short(mut self, values: &[u16]) -> Self {
        self.0
            .extend(values.iter().flat_map(|value| value.to_ne_bytes()));
        self
    }

    fn word(mut self, values: &[u32]) -> Self {
        self.0
            .extend(values.iter().flat_map(|value| value.to_ne_bytes()));
        self
    }

    fn long(mut self, values: &[u64]) -> Self {
        self.0
            .extend(values.iter().flat_map(|value| value.to_ne_bytes()));
        self
    }

    /// `fuse_attr`.
    fn facts(self, node: u64, size: u64) -> Self {
        let (mode, size) = if node == DISK {
            (0o100_600, size)
        } else {
            (0o040_700, 0)
        };
        self.long(&[node, size, size / 512, 0, 0, 0])
            .word(&[0, 0, 0, mode, 1, 0, 0, 0, 4096, 0])
    }
}

/// What becomes of a request.
enum Answer {
    Fields(Vec<u8>),
    Error(Errno),
    /// The kernel waits for none.
    None,
}

struct Server {
    /// `/dev/fuse`: each read is one request, each write one answer.
    channel: OwnedFd,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// Answers until the directory is unmounted.
    fn run(&self) -> io::Result<()> {
        let mut buffer = vec![0; MOST + 4096];
        loop {
            let length = match rustix::io::read(&self.channel, &mut buffer[..]) {
                Ok(length) => length,
                Err(Errno::NODEV) => return Ok(()),
                // The request was taken back before it could be read.
                Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(request) = Request::of(&buffer[..length]) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let (error, fields) = match self.answer(&request) {
                Answer::Fields(fields) => (0, fields),
                Answer::Error(error) => (-error.raw_os_error(), Vec::new()),
                Answer::None => continue,
            };
            let length = u32::try_from(16 + fields.len()).map_err(io::Error::other)?;
            let mut reply = Fields::default()
                .word(&[length, error.cast_unsigned()])
                .long(&[request.unique])
                .0;
            reply.extend(fields);
            match rustix::io::write(&self.channel, &reply) {
                // Whoever asked does not wait any more.
                Ok(_) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn answer(&self, request: &Request<'_>) -> Answer {
        let Ok(mut shared) = self.shared.lock() else {
            return Answer::Error(Errno::IO);
        };
        let size = shared.image.len() as u64;
        match request.operation {
            LOOKUP if request.node == TOP && request.body == b"disk\0" => Answer::Fields(
                Fields::default()
                    .long(&[DISK, 0, 3600, 3600])
                    .word(&[0, 0])
                    .facts(DISK, size)
                    .0,
            ),
            LOOKUP => Answer::Error(Errno::NOENT),
            GETATTR | SETATTR => Answer::Fields(
                Fields::default()
                    .long(&[3600])
                    .word(&[0, 0])
                    .facts(request.node, size)
                    .0,
            ),
            OPEN | OPENDIR => Answer::Fields(Fields::default().long(&[0]).word(&[0, 0]).0),
            READ => read(&shared, request).map_or(Answer::Error(Errno::IO), Answer::Fields),
            WRITE => write(&mut shared, request).map_or(Answer::Error(Errno::IO), Answer::Fields),
            FSYNC => {
                shared.events.push(Event::Flush);
                Answer::Fields(Vec::new())
            }
            INIT => Answer::Fields(init()),
            STATFS => Answer::Fields(vec![0; 80]),
            FLUSH | RELEASE | RELEASEDIR | DESTROY => Answer::Fields(Vec::new()),
            FORGET | BATCH_FORGET | INTERRUPT => Answer::None,
            // Above all holes: what the loop device cannot punch it writes.
            _ => Answer::Error(Errno::NOSYS),
        }
    }
}

/// `fuse_read_in` → bytes.
fn read(shared: &Shared, request: &Request<'_>) -> Option<Vec<u8>> {
    let (offset, size) = (request.number(8, 8)?, request.number(16, 4)?);
    let begin = offset.min(shared.image.len());
    let end = offset.checked_add(size)?.min(shared.image.len());
    shared.image.get(begin..end).map(<[u8]>::to_vec)
}

/// `fuse_write_in`, bytes → `fuse_write_out`.
fn write(shared: &mut Shared, request: &Request<'_>) -> Option<Vec<u8>> {
    let (offset, size) = (request.number(8, 8)?, request.number(16, 4)?);
    let bytes = request.body.get(40..40 + size)?;
    shared
        .image
        .get_mut(offset..offset.checked_add(size)?)?
        .copy_from_slice(bytes);
    shared.events.push(Event::Write {
        offset,
        bytes: bytes.to_vec(),
    });
    Some(Fields::default().word(&[u32::try_from(size).ok()?, 0]).0)
}

/// `fuse_init_out`.
fn init() -> Vec<u8> {
    let most = u32::try_from(MOST).unwrap_or(u32::MAX);
    let pages = u16::try_from(MOST / 4096).unwrap_or(u16::MAX);
    let fields = Fields::default()
        .word(&[7, 31, most, BIG_WRITES | MAX_PAGES])
        .short(&[16, 12]);
    fields.word(&[most, 1]).short(&[pages, 0]).word(&[0; 8]).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(image: Vec<u8>) -> Option<(tempfile::TempDir, Disk)> {
        let home = tempfile::tempdir().expect("a temporary directory");
        // Where nobody may mount, the suite says so.
        Disk::serve(image, home.path())
            .ok()
            .map(|disk| (home, disk))
    }

    #[test]
    fn what_is_written_can_be_read_and_is_in_the_log() {
        let Some((_home, disk)) = served(vec![0; 8192]) else {
            return;
        };
        let file = rustix::fs::open(disk.file(), OFlags::RDWR, Mode::empty()).expect("opens");
        assert_eq!(rustix::io::pwrite(&file, b"hello", 4100), Ok(5));
        rustix::fs::fsync(&file).expect("syncs");
        let mut back = [0; 7];
        assert_eq!(rustix::io::pread(&file, &mut back, 4099), Ok(7));
        assert_eq!(&back, b"\0hello\0");
        assert_eq!(rustix::fs::fstat(&file).expect("is there").st_size, 8192);
        drop(file);
        assert_eq!(disk.count(), 2);
        let events = disk.stop().expect("stops");
        assert_eq!(
            events,
            [
                Event::Write {
                    offset: 4100,
                    bytes: b"hello".into()
                },
                Event::Flush
            ]
        );
    }

    #[test]
    fn nothing_is_written_beyond_the_end() {
        let Some((_home, disk)) = served(vec![0; 4096]) else {
            return;
        };
        let file = rustix::fs::open(disk.file(), OFlags::RDWR, Mode::empty()).expect("opens");
        assert!(rustix::io::pwrite(&file, b"hello", 4096).is_err());
        drop(file);
        assert_eq!(disk.stop().expect("stops"), []);
    }
}
