//! Compiles `proto/onnx.proto` to Rust. `protox` parses it, so no `protoc` is needed on the machine.

#[allow(clippy::print_stdout)] // How a build script talks to cargo.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/onnx.proto");
    let files = protox::compile(["proto/onnx.proto"], ["proto"])?;
    prost_build::Config::new()
        // `Bytes` instead of `Vec<u8>`: tensors stay slices of the mapped file and are never copied by decoding.
        .bytes(["."])
        // Indented text in the comments would be taken for doc tests.
        .disable_comments(["."])
        .compile_fds(files)?;
    Ok(())
}
