//! Other versions of ONNX Runtime than the one that is fetched, for trying them: the last of each minor version from the oldest that
//! the core takes. For x86-64 Linux alone; `wheel.rs` says how hashes are made.

use crate::onnxruntime::wheel::{Wheel, WheelFile};

const NAME: &str = "libonnxruntime.so";
const LINUX: Wheel = Wheel {
    package: "onnxruntime",
    version: "",
    platform: "linux-x86_64-gnu",
    tag: "manylinux_2_28_x86_64",
    sha256: "",
    size: "about 20 MB",
    files: &[],
};

/// Oldest first.
pub(crate) const OTHERS: &[Wheel] = &[
    Wheel {
        version: "1.23.2",
        sha256: "0f9b4ae77f8e3c9bee50c27bc1beede83f786fe1d52e99ac85aa8d65a01e9b77",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.23.2",
            name: NAME,
            sha256: "718c3fb0785d5ea06061b92c32ce4ad35be1bd4c71ae6192efe06f1ab21f0f8a",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.24.4",
        sha256: "0d640eb9f3782689b55cfa715094474cd5662f2f137be6a6f847a594b6e9705c",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.24.4",
            name: NAME,
            sha256: "2d518e11c7767f9fdc4413bdbeb45acf30db504ff76a82fc19d9238a3f9f6c24",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.25.1",
        sha256: "905409e9eb2ef87f8226e073f56e71faf731c3e480ebd34952cf953730e4a4ff",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.25.1",
            name: NAME,
            sha256: "c450a686085f441803ef914fc7e68bd417452e34ba5573344dc3dd40c0c71896",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.26.0",
        sha256: "9b6dd70599005bd1bf29779f04a91978b92b5e719c11a20068a8f8e535f725b6",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.26.0",
            name: NAME,
            sha256: "50775d390eb55e7abd9f6d734da103a04f0e5342ef0a76b1c6ec795544439295",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.27.0",
        sha256: "7c65a7438632d55dfbc8a02ee60bd6cf7dd9d1ba05a43d4b851452f32338e194",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.27.0",
            name: NAME,
            sha256: "b5c9d4f124d24707f514dad926dc181820807178855df1c528e3addb2dd0e6f7",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.28.0",
        sha256: "0a83bdb70d143cede762b677789bf2a7acca54b3fb82565601d5c30695aa933c",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.28.0",
            name: NAME,
            sha256: "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.29.0",
        sha256: "2b80d8c7ec2cc7438e4da3760b88c24568cba72c9ace96d668800a6c79419acb",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.29.0",
            name: NAME,
            sha256: "8902e52a04bf6bf26f1613746811d6194f9c97ce7a6a7a28452b48522d3bd8d0",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.30.0",
        sha256: "fa688e7891a6aa206636fe7372e27ee75fd17713289f6b4fc7b190e0a7de9328",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.30.0",
            name: NAME,
            sha256: "c902c70b3003c0e99fada202f37478c515ae9bba7944c2b2abd0017bae0c82ed",
        }],
        ..LINUX
    },
    Wheel {
        version: "1.32.0",
        sha256: "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
        files: &[WheelFile {
            inside: "onnxruntime/capi/libonnxruntime.so.1.32.0",
            name: NAME,
            sha256: "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
        }],
        ..LINUX
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnxruntime::wheel::VERSION;

    #[test]
    fn every_version_is_listed_once_and_names_its_own_library() {
        for wheel in OTHERS {
            assert_eq!(OTHERS.iter().filter(|other| other.version == wheel.version).count(), 1);
            assert_ne!(wheel.version, VERSION);
            assert!(wheel.files.iter().all(|file| file.inside.ends_with(&format!(".so.{}", wheel.version))));
            let hashes = wheel.files.iter().map(|file| file.sha256).chain([wheel.sha256]);
            assert!(hashes.into_iter().all(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())));
        }
    }
}
