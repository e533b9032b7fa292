//! Blocks of memory that ONNX Runtime did not get.

/// How ONNX Runtime says so, each before the size in bytes.
const WORDS: [&str; 2] = ["requested buffer of size", "is smaller than requested bytes of"];

/// The size of the block of memory that was not to be had, if that is what ONNX Runtime's message says.
pub(crate) fn block_refused(message: &str) -> Option<u64> {
    let behind = WORDS.iter().find_map(|words| message.split_once(words))?.1.trim_start();
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_stands_behind_the_words() {
        let arena = "Non-zero status code returned while running Conv node. Name:'conv' Status Message: bfc_arena.cc:376 \
                     void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate \
                     memory for requested buffer of size 4294967296\n";
        assert_eq!(block_refused(arena), Some(4_294_967_296));
        let limit = "Available memory of 1024 is smaller than requested bytes of 4096";
        assert_eq!(block_refused(limit), Some(4096));
        for other in ["", "std::bad_alloc", "requested buffer of size", "requested buffer of size x"] {
            assert_eq!(block_refused(other), None, "{other}");
        }
    }
}
