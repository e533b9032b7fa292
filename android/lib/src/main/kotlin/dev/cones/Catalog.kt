package dev.cones

import dev.cones.generated.Catalog as Native

/**
 * A publisher's catalogue that was checked against the publisher's key. [PackStore.fetchCatalog] gets one.
 *
 * @property info what it says of itself.
 * @property packs the packs on offer.
 * @property bundles the base models on offer.
 */
public class Catalog internal constructor(internal val native: Handle<Native>) : AutoCloseable {
    public val info: CatalogInfo = native.call { it.info().wrapped() }
    public val packs: List<CatalogPack> = native.call { native -> native.packs().map { it.wrapped() } }
    public val bundles: List<CatalogBundle> = native.call { native -> native.bundles().map { it.wrapped() } }

    /** Frees it; what it told stays readable. */
    override fun close(): Unit = native.close()
}

/**
 * What a catalogue says of itself.
 *
 * @property publisher who publishes it.
 * @property url where it came from.
 * @property serial counts up with each publication.
 * @property created when it was signed, in seconds since 1970 (UTC).
 * @property expires after this time it is refused, in seconds since 1970 (UTC).
 */
public data class CatalogInfo(
    val publisher: String,
    val url: String,
    val serial: Long,
    val created: Long,
    val expires: Long,
)

/**
 * A pack on offer.
 *
 * @property name the name it is installed by.
 * @property version its version.
 * @property bytes length of the download.
 * @property sha256 SHA-256 of the file.
 * @property fingerprint fingerprint of the base model it is for.
 * @property model name of the base model it is for.
 * @property trigger the words that stand for the subject in a prompt.
 * @property subjectClass what kind of thing it is, as `dog`.
 * @property licence licence.
 * @property precision what it keeps per neuron.
 * @property neurons how many neurons it holds.
 */
public data class CatalogPack(
    val name: String,
    val version: Int,
    val bytes: Long,
    val sha256: String,
    val fingerprint: String,
    val model: String,
    val trigger: String,
    val subjectClass: String,
    val licence: String,
    val precision: Precision,
    val neurons: Long,
)

/**
 * A base model on offer.
 *
 * @property name the name it is installed by.
 * @property fingerprint its fingerprint.
 * @property bytes length of the download.
 * @property licence licence.
 * @property form how many bits it has: `exact`, `int8`, `int8-static` or `int4`. Packs serve every form of a base model.
 * @property onRequest a device takes this form only when it is asked for.
 */
public data class CatalogBundle(
    val name: String,
    val fingerprint: String,
    val bytes: Long,
    val licence: String,
    val form: String,
    val onRequest: Boolean,
)

private fun dev.cones.generated.CatalogInfo.wrapped() =
    CatalogInfo(publisher, url, serial.toLong(), created.toLong(), expires.toLong())

private fun dev.cones.generated.CatalogPack.wrapped() =
    CatalogPack(
        name = name,
        version = version.toInt(),
        bytes = bytes.toLong(),
        sha256 = sha256,
        fingerprint = fingerprint,
        model = model,
        trigger = trigger,
        subjectClass = subjectClass,
        licence = licence,
        precision = precision,
        neurons = neurons.toLong(),
    )

private fun dev.cones.generated.CatalogBundle.wrapped() =
    CatalogBundle(name, fingerprint, bytes.toLong(), licence, form, onRequest)
