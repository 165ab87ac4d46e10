//! Real file systems in image files.
//!
//! In: a kind of file system and a path. Out: an image with that file system, mounted as long as
//! [`Mounted`] lives. Needs root and loop devices; [`ready`] says what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::output;
use crate::tree::at;

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSystem {
    Ext4,
    Xfs,
    Btrfs,
}

impl FileSystem {
    /// As `mount` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// About the smallest that its tools make.
    fn megabytes(self) -> u64 {
        match self {
            Self::Ext4 => 64,
            Self::Xfs => 320,
            Self::Btrfs => 128,
        }
    }

    /// Writes everything at once, and nothing later behind the back of the test.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Ext4 => &["-E", "lazy_itable_init=0,lazy_journal_init=0"],
            Self::Xfs | Self::Btrfs => &[],
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Ext4 => "e2fsprogs",
            Self::Xfs => "xfsprogs",
            Self::Btrfs => "btrfs-progs",
        }
    }

    /// Why none can be made here, if none can.
    pub(crate) fn missing(self) -> Option<String> {
        let program = format!("mkfs.{}", self.name());
        (!is_installed(&program))
            .then(|| format!("there is no {program}: install {}", self.package()))
    }

    /// Makes an image with a new, empty file system.
    pub(crate) fn make(self, image: &Path) -> Outcome {
        let bytes = self.megabytes() << 20;
        let file = rustix::fs::open(
            image,
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CREATE | rustix::fs::OFlags::TRUNC,
            0o600.into(),
        );
        let sized = file.and_then(|file| rustix::fs::ftruncate(&file, bytes));
        sized.map_err(|error| at(image)(error.into()))?;
        let mut command = Command::new(format!("mkfs.{}", self.name()));
        output(command.arg("-q").args(self.options()).arg(image)).map(drop)
    }

    /// Mounts an image.
    pub(crate) fn mount(self, image: &Path, directory: &Path) -> Outcome<Mounted> {
        // Copies of one image have one number, and xfs wants each to have its own.
        let options = if self == Self::Xfs {
            "loop,nouuid"
        } else {
            "loop"
        };
        let mut command = Command::new("mount");
        output(
            command
                .args(["-t", self.name(), "-o", options, "--"])
                .arg(image)
                .arg(directory),
        )?;
        Ok(Mounted {
            directory: Some(directory.to_owned()),
        })
    }
}

/// A mounted image.
pub(crate) struct Mounted {
    /// `None` when it is unmounted.
    directory: Option<PathBuf>,
}

impl Mounted {
    /// Unmounts it, and says if that fails.
    pub(crate) fn unmount(mut self) -> Outcome {
        self.directory.take().map_or(Ok(()), |directory| {
            output(Command::new("umount").arg(directory)).map(drop)
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take() {
            // On the way out of an error, which is what is said.
            drop(output(Command::new("umount").arg("--lazy").arg(directory)));
        }
    }
}

/// Why nothing can be mounted here, if nothing can.
pub(crate) fn ready() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("only root can mount".to_owned());
    }
    if let Some(missing) = FileSystem::Ext4.missing() {
        return Err(missing);
    }
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (image, directory) = (home.path().join("image"), home.path().join("mounted"));
    fs::create_dir(&directory).map_err(at(&directory))?;
    FileSystem::Ext4.make(&image)?;
    let mounted = FileSystem::Ext4.mount(&image, &directory);
    mounted
        .and_then(Mounted::unmount)
        .map_err(|message| format!("loop devices cannot be mounted here: {message}"))
}

/// Whether a program is in the search path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
