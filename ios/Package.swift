// swift-tools-version: 6.0
import PackageDescription

// The library comes from one of two places:
//
// * Apps link `Frameworks/ConesFFI.xcframework` and `Frameworks/onnxruntime.xcframework`, which
//   `build-xcframework.sh` puts there.
// * With `CONES_LIBRARY` set to the folder of a host's `libcones.so` or `libcones.dylib`, that one is linked, which
//   makes `swift build` and `swift test` work on Linux and on a Mac. ONNX Runtime is then loaded at run time.
//
// Either way `take-generated.sh` must have put the code that UniFFI generates into `Generated/`.
let library = Context.environment["CONES_LIBRARY"].flatMap { $0.isEmpty ? nil : $0 }

let ffi: [Target]
let linked: [Target.Dependency]
let settings: [LinkerSetting]
if let library {
    ffi = [.systemLibrary(name: "ConesFFI", path: "Generated/ConesFFI")]
    linked = ["ConesFFI"]
    // Flags of this kind are refused in a package that others depend on by version, but this is never how apps build.
    settings = [
        .unsafeFlags(["-L\(library)", "-Xlinker", "-rpath", "-Xlinker", library]),
        .linkedLibrary("cones"),
    ]
} else {
    ffi = [
        .binaryTarget(name: "ConesFFI", path: "Frameworks/ConesFFI.xcframework"),
        .binaryTarget(name: "onnxruntime", path: "Frameworks/onnxruntime.xcframework"),
    ]
    linked = ["ConesFFI", "onnxruntime"]
    // What the two static libraries need, so that apps need not know.
    settings = [
        .linkedLibrary("c++"),
        .linkedFramework("CoreML"),
        .linkedFramework("Foundation"),
    ]
}

let package = Package(
    name: "Cones",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Cones", targets: ["Cones"])],
    targets: ffi + [
        .target(
            name: "ConesGenerated",
            dependencies: linked,
            path: "Generated/ConesGenerated",
            linkerSettings: settings
        ),
        .target(
            name: "Cones",
            dependencies: ["ConesGenerated"],
            resources: [.copy("PrivacyInfo.xcprivacy")]
        ),
        // What the process has allocated; Swift has no words for it.
        .target(name: "LiveHeap", path: "Tests/LiveHeap"),
        .testTarget(name: "ConesTests", dependencies: ["Cones", "LiveHeap"]),
        // What of the sample app needs no screen; the app compiles the same files.
        .target(name: "SampleLogic", dependencies: ["Cones"], path: "Sample/Logic"),
        .testTarget(name: "SampleTests", dependencies: ["SampleLogic"]),
    ],
    swiftLanguageModes: [.v6]
)
