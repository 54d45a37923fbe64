//! Room on the disk that is kept for orders: a full disk must not keep a lock from being remembered.

use super::private;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How much is set aside. An order and all that becomes of it takes some 100 kB.
const BYTES: u64 = 4 * 1024 * 1024;

/// Written at a time.
const PIECE: usize = 64 * 1024;

/// A file that only takes up room. Without a folder there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Reserve(Option<PathBuf>);

impl Reserve {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self(Some(folder.join("reserve")))
    }

    /// Makes room. Whether there was any to be made.
    pub(super) fn give_up(&self) -> bool {
        let Some(file) = &self.0 else { return false };
        let had = std::fs::metadata(file).is_ok_and(|file| file.len() > 0);
        let given = had && std::fs::remove_file(file).is_ok();
        if given {
            tracing::error!(
                "the store could not be written: its reserve on the disk was given up. Free some space there"
            );
        }
        given
    }

    /// Sets aside as much as there is room for, up to the whole.
    pub(super) fn fill(&self) {
        let Some(file) = &self.0 else { return };
        match top_up(file) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                tracing::warn!("the disk is nearly full: only a part of the reserve could be set aside");
            }
            Err(error) => tracing::warn!(%error, "no reserve could be set aside"),
        }
    }
}

fn top_up(path: &Path) -> std::io::Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    private(path);
    let mut missing = BYTES.saturating_sub(file.metadata()?.len());
    let zeroes = vec![0; PIECE];
    while missing > 0 {
        let piece = usize::try_from(missing).unwrap_or(PIECE).min(PIECE);
        // As much of it as there is room for.
        missing -= file.write(&zeroes[..piece])? as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_set_aside_again_and_what_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (reserve, file) = (Reserve::in_folder(folder.path()), folder.path().join("reserve"));
        let size = || std::fs::metadata(&file).map_or(0, |file| file.len());
        reserve.fill();
        assert_eq!(size(), BYTES);
        File::options().write(true).open(&file).unwrap().set_len(1000).unwrap();
        reserve.fill();
        assert_eq!(size(), BYTES);
        assert!(reserve.give_up());
        assert_eq!(size(), 0);
        assert!(!reserve.give_up(), "there is nothing left to give up");
    }
}
