plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

// The Rust workspace.
val repository = rootProject.layout.projectDirectory.dir("..")
val generated = repository.dir("target/bindings/kotlin")
val libraries = layout.buildDirectory.dir("cargo-ndk")

/** Rust's names of Android's ABIs. 32-bit phones are not built for: the models do not fit. */
val targets = mapOf("arm64-v8a" to "AARCH64_LINUX_ANDROID", "x86_64" to "X86_64_LINUX_ANDROID")

android {
    namespace = "dev.cones.android"
    compileSdk = libs.versions.compileSdk.get().toInt()
    ndkVersion = libs.versions.ndk.get()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles("consumer-rules.pro")
    }

    sourceSets.named("main") {
        kotlin.srcDir("../lib/src/main/kotlin")
        kotlin.srcDir(generated)
        // Built with symbols; Gradle strips them when it packs the AAR.
        jniLibs.srcDir(libraries)
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin {
    compilerOptions {
        jvmTarget = org.jetbrains.kotlin.gradle.dsl.JvmTarget.JVM_17
    }
}

dependencies {
    api(libs.coroutines.android)
    // The AAR and not the jar: it has JNA's own native part for each ABI.
    api(libs.jna) { artifact { type = "aar" } }
    // Only for its libonnxruntime.so, which is loaded when the first engine is opened.
    api(libs.onnxruntime)
}

/** `libcones.so` for each ABI. cargo itself knows what is up to date. */
val cargoNdk by tasks.registering(Exec::class) {
    description = "Builds libcones.so for Android (needs the NDK, cargo-ndk 4 and Rust's Android targets)"
    group = "build"
    workingDir(repository)
    commandLine(
        buildList {
            addAll(listOf("cargo", "ndk", "--platform", libs.versions.minSdk.get()))
            targets.keys.forEach { addAll(listOf("--target", it)) }
            addAll(listOf("--output-dir", libraries.get().asFile.path))
            addAll(listOf("build", "--locked", "--profile", "phone", "--package", "cones-bindings"))
            addAll(listOf("--features", "xnnpack,nnapi"))
        },
    )
    targets.values.forEach {
        // Pages of 16 KB, which NDKs older than 28 must be told of.
        environment("CARGO_TARGET_${it}_RUSTFLAGS", "-Clink-arg=-Wl,-z,max-page-size=16384")
    }
    outputs.dir(libraries)
    outputs.upToDateWhen { false }
}

/** The Kotlin that UniFFI writes. It comes from this machine's own build of the library, whose surface is the same. */
val cargoBindings by tasks.registering(Exec::class) {
    description = "Generates the package dev.cones.generated into target/bindings"
    group = "build"
    workingDir(repository)
    commandLine("cargo", "xtask", "bindings")
    outputs.dir(generated)
    outputs.upToDateWhen { false }
}

tasks.named("preBuild") { dependsOn(cargoNdk, cargoBindings) }
