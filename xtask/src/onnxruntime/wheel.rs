//! The wheels of PyPI's `onnxruntime` by platform, and one of `onnxruntime-gpu`, pinned by hash.
//!
//! The C library in a wheel is the same for every Python, so one Python's wheels are fetched, whatever Python runs here.
//! For a new version: `pip download onnxruntime==V --no-deps --only-binary=:all: --python-version 3.12
//! --implementation cp --abi cp312 --platform TAG`, then `sha256sum` of the wheel and of the files in it.

use crate::failure::{Failure, Result};
use crate::onnxruntime::VARIABLE;

/// The version that is fetched.
pub(crate) const VERSION: &str = "1.31.1";

/// One platform's wheel.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// pip's name of the package.
    pub(crate) package: &'static str,
    /// Of ONNX Runtime.
    pub(crate) version: &'static str,
    /// As in `std::env::consts`, with the C library for Linux.
    pub(crate) platform: &'static str,
    /// pip's name of the platform.
    pub(crate) tag: &'static str,
    /// Of the whole wheel, in hex.
    pub(crate) sha256: &'static str,
    /// Of the download, for a person who waits.
    pub(crate) size: &'static str,
    /// What is unpacked; the library itself stands first.
    pub(crate) files: &'static [WheelFile],
}

/// A file inside a wheel.
#[derive(Debug)]
pub(crate) struct WheelFile {
    /// Its path in the wheel.
    pub(crate) inside: &'static str,
    /// Its name here, without the version, so that paths stay the same.
    pub(crate) name: &'static str,
    /// In hex.
    pub(crate) sha256: &'static str,
}

const WHEELS: &[Wheel] = &[
    Wheel {
        package: "onnxruntime",
        version: VERSION,
        platform: "linux-x86_64-gnu",
        tag: "manylinux_2_28_x86_64",
        sha256: "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
        size: "about 20 MB",
        files: &[
            WheelFile {
                inside: "onnxruntime/capi/libonnxruntime.so.1.31.1",
                name: "libonnxruntime.so",
                sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
            },
            WheelFile {
                inside: "onnxruntime/capi/libonnxruntime_providers_shared.so",
                name: "libonnxruntime_providers_shared.so",
                sha256: "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
            },
        ],
    },
    Wheel {
        package: "onnxruntime",
        version: VERSION,
        platform: "linux-aarch64-gnu",
        tag: "manylinux_2_28_aarch64",
        sha256: "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
        size: "about 20 MB",
        files: &[
            WheelFile {
                inside: "onnxruntime/capi/libonnxruntime.so.1.31.1",
                name: "libonnxruntime.so",
                sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
            },
            WheelFile {
                inside: "onnxruntime/capi/libonnxruntime_providers_shared.so",
                name: "libonnxruntime_providers_shared.so",
                sha256: "3b6be288fbfb7dff8770d08a23defdde18e8f7e0f5a2b344a0e5e238c999ea88",
            },
        ],
    },
    Wheel {
        package: "onnxruntime",
        version: VERSION,
        platform: "macos-aarch64",
        tag: "macosx_14_0_arm64",
        sha256: "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
        size: "about 20 MB",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.1.31.1.dylib",
            name: "libonnxruntime.dylib",
            sha256: "d586cbe89effc085a09d3341b3cfbd5c322517f9d397aeb20814af21433f2b36",
        }],
    },
    Wheel {
        package: "onnxruntime",
        version: VERSION,
        platform: "windows-x86_64",
        tag: "win_amd64",
        sha256: "ae8a9a351efda685cc59a66226cdefaa37a126c1d66872ca23a2de9425326130",
        size: "about 20 MB",
        files: &[
            WheelFile {
                inside: "onnxruntime/capi/onnxruntime.dll",
                name: "onnxruntime.dll",
                sha256: "e45f61e50d8650885452be538a00bb14a715e46a1bc3691000ce947e89ed0306",
            },
            WheelFile {
                inside: "onnxruntime/capi/onnxruntime_providers_shared.dll",
                name: "onnxruntime_providers_shared.dll",
                sha256: "02b3edadc03a2bddd90bcbd090733a2c458f4aff8be2cebb6070428e81c6d41e",
            },
        ],
    },
    Wheel {
        package: "onnxruntime",
        version: VERSION,
        platform: "windows-aarch64",
        tag: "win_arm64",
        sha256: "fe8b9ac1ae8e894e12c47ee82e4f6dfc1835768133687257866469fda80d0bf1",
        size: "about 20 MB",
        files: &[
            WheelFile {
                inside: "onnxruntime/capi/onnxruntime.dll",
                name: "onnxruntime.dll",
                sha256: "dc9e2fe646a72829386a24ac9185a7a4e26d7dbe5dc433d41df063603c00bbc7",
            },
            WheelFile {
                inside: "onnxruntime/capi/onnxruntime_providers_shared.dll",
                name: "onnxruntime_providers_shared.dll",
                sha256: "f4cd6a38ff46ffcb4534fe27f3e49001a6459f1c2756f3445f9113b3bdc735c4",
            },
        ],
    },
];

/// The library with the CUDA provider, for CUDA 13 and cuDNN 9, which come with PyTorch. Only a borrowed machine gets it.
pub(crate) const CUDA: Wheel = Wheel {
    package: "onnxruntime-gpu",
    version: VERSION,
    platform: "linux-x86_64-gnu-cuda13",
    tag: "manylinux_2_28_x86_64",
    sha256: "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
    size: "256 MB",
    files: &[
        WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.31.1",
            name: "libonnxruntime.so",
            sha256: "5104254339ecadae808da771bd0b63b240f0dbd466514234905e54372435c303",
        },
        WheelFile {
            inside: "onnxruntime/capi/libonnxruntime_providers_shared.so",
            name: "libonnxruntime_providers_shared.so",
            sha256: "086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d",
        },
        WheelFile {
            inside: "onnxruntime/capi/libonnxruntime_providers_cuda.so",
            name: "libonnxruntime_providers_cuda.so",
            sha256: "8387867e857499e045caff5d13ac6a5de29571c801562fa2dde0e45f1f31de52",
        },
    ],
};

impl Wheel {
    /// The one for the machine this was built for.
    pub(crate) fn of_this_machine() -> Result<&'static Self> {
        let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
        Self::of(&platform(std::env::consts::OS, std::env::consts::ARCH, libc))
    }

    /// The one for a platform, as [`platform`](Self::platform) names it.
    pub(crate) fn of(platform: &str) -> Result<&'static Self> {
        WHEELS.iter().find(|wheel| wheel.platform == platform).ok_or_else(|| {
            let known: Vec<&str> = WHEELS.iter().map(|wheel| wheel.platform).collect();
            Failure::new(
                format!("PyPI has no ONNX Runtime {VERSION} for {platform} (it has {})", known.join(", ")),
                format!("Build or install ONNX Runtime 1.23 or newer and set {VARIABLE} to its library."),
            )
        })
    }

    /// The library itself.
    pub(crate) fn library(&self) -> &'static str {
        self.files.first().map_or("", |file| file.name)
    }
}

/// The C library matters on Linux alone: manylinux wheels do not load under musl.
fn platform(os: &str, arch: &str, libc: &str) -> String {
    if os == "linux" { format!("{os}-{arch}-{libc}") } else { format!("{os}-{arch}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_listed_once_with_whole_hashes_and_a_library() {
        for wheel in WHEELS.iter().chain([&CUDA]) {
            let same = WHEELS.iter().chain([&CUDA]).filter(|other| other.platform == wheel.platform);
            assert_eq!(same.count(), 1);
            let hashes = wheel.files.iter().map(|file| file.sha256).chain([wheel.sha256]);
            for hash in hashes {
                assert!(hash.len() == 64 && hash.bytes().all(|b| b"0123456789abcdef".contains(&b)), "{hash}");
            }
            assert!(wheel.library().contains("onnxruntime") && !wheel.library().contains("providers"));
            assert!(wheel.files.iter().all(|file| file.inside.starts_with("onnxruntime/capi/")));
        }
    }

    #[test]
    fn a_platform_without_a_wheel_is_told_the_variable() {
        let failure = Wheel::of(&platform("linux", "x86_64", "musl")).unwrap_err().to_string();
        assert!(failure.contains("linux-x86_64-musl") && failure.contains(VARIABLE), "{failure}");
        assert!(Wheel::of(&platform("macos", "x86_64", "gnu")).is_err());
        assert!(Wheel::of(&platform("macos", "aarch64", "gnu")).is_ok());
    }
}
