package dev.cones

import dev.cones.generated.InternalException
import dev.cones.generated.ConesException as Native

/** Runs a call of the generated code; what it throws becomes one of [ConesException]. */
internal inline fun <T> translated(call: () -> T): T =
    try {
        call()
    } catch (error: Native) {
        throw error.translate()
    } catch (error: InternalException) {
        // A panic of the library, caught at its border.
        throw ConesException.Other(error.message ?: "the library failed", "", "report it with what led to it", error)
    } catch (error: UnsatisfiedLinkError) {
        throw ConesException.LibraryMissing(error.message ?: "it cannot be loaded", error)
    } catch (error: NoClassDefFoundError) {
        // Java tells of a library that did not load once; from then on its class is merely "not there".
        throw ConesException.LibraryMissing(error.message ?: "it could not be loaded before", error)
    }

internal fun Native.translate(): ConesException =
    when (this) {
        is Native.BadBundle -> ConesException.BadBundle(reason, details, hint, this)
        is Native.BadPack -> ConesException.BadPack(reason, details, hint, this)
        is Native.BadStore -> ConesException.BadStore(reason, details, hint, this)
        is Native.Untrusted -> ConesException.Untrusted(reason, details, hint, this)
        is Native.Network -> ConesException.Network(reason, details, hint, this)
        is Native.OutOfSpace ->
            ConesException.OutOfSpace(reason, details, hint, needed.toLong(), available.toLong(), this)
        is Native.OutOfMemory ->
            ConesException.OutOfMemory(reason, details, hint, needed.toLong(), available.toLong(), this)
        is Native.NotFound -> ConesException.NotFound(reason, details, hint, this)
        is Native.WrongModel -> ConesException.WrongModel(reason, details, hint, this)
        is Native.BadRequest -> ConesException.BadRequest(reason, details, hint, this)
        is Native.ProviderUnavailable -> ConesException.ProviderUnavailable(reason, details, hint, this)
        is Native.RuntimeMissing -> ConesException.RuntimeMissing(reason, details, hint, this)
        is Native.RuntimeFailed -> ConesException.RuntimeFailed(reason, details, hint, this)
        is Native.Io -> ConesException.Io(reason, details, hint, this)
        is Native.BadPicture -> ConesException.BadPicture(reason, details, hint, this)
        is Native.Cancelled -> ConesException.Cancelled(reason, details, hint, this)
        is Native.ListenerFailed -> ConesException.ListenerFailed(reason, details, hint, this)
        is Native.Busy -> ConesException.Busy(reason, details, hint, this)
        is Native.AlreadyInitialized -> ConesException.AlreadyInitialized(reason, details, hint, this)
        is Native.Other -> ConesException.Other(reason, details, hint, this)
    }
