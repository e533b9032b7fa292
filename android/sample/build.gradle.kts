plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

val models = rootProject.layout.projectDirectory.dir("../models")

/** Toybox and the example packs, so that the app draws without a network. A real app would download its model. */
val modelAssets by tasks.registering(Sync::class) {
    into(layout.buildDirectory.dir("model-assets"))
    from(models.dir("toybox/bundle")) { into("toybox") }
    from(models.dir("packs")) {
        include("*.cones")
        into("packs")
    }
}

android {
    namespace = "dev.cones.sample"
    compileSdk = libs.versions.compileSdk.get().toInt()
    ndkVersion = libs.versions.ndk.get()

    defaultConfig {
        applicationId = "dev.cones.sample"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        // The runtime brings more ABIs than the library is built for.
        ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
    }

    buildTypes {
        release {
            // Shrunk, for that is what breaks bindings whose rules are missing. Signed with the debug key: it is a sample.
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
            signingConfig = signingConfigs.getByName("debug")
        }
    }

    sourceSets.named("main") { assets.srcDir(layout.buildDirectory.dir("model-assets")) }

    // Weights do not compress, and are copied out at once.
    androidResources { noCompress += listOf("onnx", "weights", "safetensors") }

    // ONNX Runtime's Java half, which nothing here calls.
    packaging { jniLibs.excludes += "**/libonnxruntime4j_jni.so" }

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
    implementation(project(":sdk"))
}

tasks.named("preBuild") { dependsOn(modelAssets) }
