package dev.cones

/**
 * What went wrong, by what can be done about it.
 *
 * Every kind tells [reason] (one sentence), [details] (which file, field, byte or URL; may be empty) and [hint] (what to
 * do; may be empty). Cancelling a coroutine is not one of them: that stays a `CancellationException`.
 *
 * ```kotlin
 * try {
 *     engine.generate(Request("a dog on grass", steps = 0))
 * } catch (error: ConesException) {
 *     val text = when (error) {
 *         is ConesException.BadRequest -> "${error.details}: ${error.reason}"
 *         is ConesException.OutOfSpace -> "free ${error.needed - error.available} bytes"
 *         else -> "${error.reason}\n${error.hint}"
 *     }
 * }
 * ```
 */
public sealed class ConesException(
    kind: String,
    /** What is wrong, in one sentence. */
    public val reason: String,
    /** Which file, field, byte or URL; may be empty. */
    public val details: String,
    /** What to do about it; may be empty. */
    public val hint: String,
    cause: Throwable?,
) : Exception(if (details.isEmpty()) "$kind: $reason" else "$kind: $reason ($details)", cause) {

    /** A base model is missing, damaged or of a kind this version does not read. Install it again. */
    public class BadBundle internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("bad bundle", reason, details, hint, cause)

    /** A subject pack is damaged or of a kind this version does not read. Get it again. */
    public class BadPack internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("bad pack", reason, details, hint, cause)

    /** A folder of packs or bundles was made by a newer version. Update, or use another folder. */
    public class BadStore internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("bad store", reason, details, hint, cause)

    /** Something signed is not to be trusted. Nothing of it was used. */
    public class Untrusted internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("not trusted", reason, details, hint, cause)

    /** A download failed. What came so far is kept and resumed. */
    public class Network internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("network", reason, details, hint, cause)

    /** There is not enough room on the device. Nothing was changed. */
    public class OutOfSpace internal constructor(
        reason: String,
        details: String,
        hint: String,
        /** Bytes needed. */
        public val needed: Long,
        /** Bytes free. */
        public val available: Long,
        cause: Throwable?,
    ) : ConesException("out of space", reason, details, hint, cause)

    /** A request takes more memory than there is; [hint] says what would fit. Nothing was loaded. */
    public class OutOfMemory internal constructor(
        reason: String,
        details: String,
        hint: String,
        /** Bytes needed in the most sparing way that the memory mode allows. */
        public val needed: Long,
        /** The budget, or the bytes that the system says there are. */
        public val available: Long,
        cause: Throwable?,
    ) : ConesException("out of memory", reason, details, hint, cause)

    /** No pack or bundle of that name is installed, or in the catalogue. */
    public class NotFound internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("not found", reason, details, hint, cause)

    /** A pack was made for another base model than the one that is open. */
    public class WrongModel internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("wrong model", reason, details, hint, cause)

    /** A request cannot be carried out as written; [details] names the field. Another value may work. */
    public class BadRequest internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("bad request", reason, details, hint, cause)

    /** The provider asked for cannot be had here. */
    public class ProviderUnavailable internal constructor(
        reason: String,
        details: String,
        hint: String,
        cause: Throwable?,
    ) : ConesException("provider unavailable", reason, details, hint, cause)

    /** ONNX Runtime's library was not found or cannot be used. */
    public class RuntimeMissing internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("ONNX Runtime is missing", reason, details, hint, cause)

    /** ONNX Runtime failed while doing what [details] says. */
    public class RuntimeFailed internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("ONNX Runtime failed", reason, details, hint, cause)

    /** A file could not be read or written. */
    public class Io internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("file", reason, details, hint, cause)

    /** A picture could not be decoded or encoded, or does not hold what was looked for. */
    public class BadPicture internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("picture", reason, details, hint, cause)

    /** The library stopped without the coroutine having been cancelled. */
    public class Cancelled internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("cancelled", reason, details, hint, cause)

    /** The app's own `onProgress` threw; what it threw is the `cause`. The call was stopped and everything stays usable. */
    public class ListenerFailed internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("the listener failed", reason, details, hint, cause)

    /** An `onProgress` called the engine that is calling it, or another program has had a store's folder locked for too long. */
    public class Busy internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("busy", reason, details, hint, cause)

    /** [Cones.initialize] was called before in this process. */
    public class AlreadyInitialized internal constructor(
        reason: String,
        details: String,
        hint: String,
        cause: Throwable?,
    ) : ConesException("already initialized", reason, details, hint, cause)

    /** Something was used after its `close()`; [details] says what. */
    public class Closed internal constructor(details: String) : ConesException(
        "closed",
        "it was closed before this call, or during it",
        details,
        "open it anew, or close it later",
        null,
    )

    /** The native library `libcones` is not where Java looks, or not of this version. */
    public class LibraryMissing internal constructor(reason: String, cause: Throwable?) : ConesException(
        "libcones is missing",
        reason,
        "",
        "Android: ship the AAR with its jni folder; elsewhere: name the folder in the property jna.library.path",
        cause,
    )

    /** A kind that this version does not know, or a fault of the library itself. */
    public class Other internal constructor(reason: String, details: String, hint: String, cause: Throwable?) :
        ConesException("error", reason, details, hint, cause)
}
