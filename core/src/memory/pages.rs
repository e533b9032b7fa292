//! Pages of mapped weights: held few while a graph runs.
//!
//! A step of a U-Net reads each weight once. Its pages are clean, so the system can take them away, but it does so under
//! pressure only, and until then they count as the process's own. Here they are let go while the graph runs, as soon as
//! there are many; the next step reads them again from the system's cache of the file, or from the file.

/// Bytes of mapped pages that may stay: reading a page again costs little, asking for it all the time more.
pub const FEW: u64 = 256 << 20;

/// Whether this system's pages are let go; elsewhere all of a file's pages may be there at once.
pub(crate) const ARE_LET_GO: bool = cfg!(any(target_os = "linux", target_os = "android"));

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use linux::run_with_few;

/// Runs `run`. This system tells clean pages from others by itself.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn run_with_few<T>(_weights: &[std::path::PathBuf], run: impl FnOnce() -> T) -> T {
    run()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::FEW;

    /// How often pages are counted.
    const PATIENCE: Duration = Duration::from_millis(25);

    /// Runs `run`, which must not unmap anything of the files `weights` that is mapped now, and lets pages of these files
    /// go while it runs.
    pub fn run_with_few<T>(weights: &[PathBuf], run: impl FnOnce() -> T) -> T {
        let ranges = ranges(weights);
        if ranges.iter().map(|range| range.length as u64).sum::<u64>() <= FEW {
            return run();
        }
        let (done, waiting) = channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    if resident_file_bytes().is_some_and(|bytes| bytes > FEW) {
                        ranges.iter().for_each(Range::let_go);
                    }
                }
                ranges.iter().for_each(Range::let_go);
            });
            let result = run();
            drop(done);
            result
        })
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Range {
        start: usize,
        length: usize,
    }

    impl Range {
        #[allow(unsafe_code)]
        fn let_go(&self) {
            // SAFETY: the range is a private mapping of a file of weights by the kernel's own account. ONNX Runtime made it
            // and never writes to it, so each page reads the same again. It is not unmapped meanwhile: the session that
            // owns it is borrowed by the run that this thread does not outlive.
            let result = unsafe {
                rustix::mm::madvise(
                    std::ptr::without_provenance_mut(self.start),
                    self.length,
                    rustix::mm::Advice::LinuxDontNeed,
                )
            };
            if let Err(error) = result {
                log::debug!("pages of mapped weights stay: {error}");
            }
        }
    }

    /// Where the files are mapped.
    fn ranges(files: &[PathBuf]) -> Vec<Range> {
        let files: Vec<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
        if files.is_empty() {
            return Vec::new();
        }
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        maps.lines().filter_map(|line| files.iter().find_map(|file| range(line, file))).collect()
    }

    /// A line as `7f00-7f10 rw-p 00001000 fe:00 1234    /path`, if it is of that file and private.
    fn range(line: &str, file: &Path) -> Option<Range> {
        let mut fields = line.splitn(6, ' ');
        let (range, rights) = (fields.next()?, fields.next()?);
        let path = fields.nth(3)?.trim_start();
        let (start, end) = range.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        let is_it = rights.ends_with('p') && Path::new(path) == file;
        is_it.then_some(Range { start, length: end.checked_sub(start)? })
    }

    /// Bytes of files that are in this process's memory now.
    fn resident_file_bytes() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = text.split_whitespace().nth(2)?.parse().ok()?;
        pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lines_of_the_file_are_told_from_others() {
            let file = Path::new("/models/a b/unet.weights");
            let line = |rights: &str, path: &str| format!("7f00000000-7f00003000 {rights} 00001000 fe:00 77    {path}");
            let found = range(&line("rw-p", "/models/a b/unet.weights"), file);
            assert_eq!(found, Some(Range { start: 0x7f_0000_0000, length: 0x3000 }));
            assert_eq!(range(&line("rw-s", "/models/a b/unet.weights"), file), None, "shared");
            assert_eq!(range(&line("rw-p", "/models/other"), file), None);
            assert_eq!(range("7f00-7f10 rw-p 00000000 00:00 0 ", file), None, "no file");
            assert_eq!(range("", file), None);
        }

        #[test]
        fn what_is_mapped_is_found_let_go_and_reads_the_same_again() {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("x.weights");
            let bytes: Vec<u8> = (0..1 << 20).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).expect("a file");
            let file = std::fs::File::open(&path).expect("the file");
            // SAFETY: nobody else knows the file.
            #[allow(unsafe_code)]
            let mapped = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) }.expect("a mapping");
            assert!(mapped[..] == bytes[..]);
            let found = ranges(&[path]);
            assert_eq!(found.iter().map(|range| range.length).sum::<usize>(), bytes.len());
            found.iter().for_each(Range::let_go);
            assert!(mapped[..] == bytes[..], "after its pages were let go");
            assert!(resident_file_bytes().is_some_and(|bytes| bytes > 0));
        }
    }
}
