package dev.cones

import java.io.File

/**
 * What a pack says of itself. Two are equal when their files are: same place, same bytes.
 *
 * @property name the name it is installed and called by.
 * @property version its version, from 1.
 * @property trigger the words that stand for the subject in a prompt, as `<v1> dog`.
 * @property subjectClass what kind of thing it is, as `dog`.
 * @property scope what it changes.
 * @property author who made it.
 * @property licence licence.
 * @property model the base model's name.
 * @property tool what wrote it.
 * @property created when, in seconds since 1970 (UTC).
 * @property fingerprint the fingerprint of the base model it is for.
 * @property precision what it keeps per neuron.
 * @property neurons how many neurons it holds.
 * @property preview a small PNG or WebP file to show.
 * @property sha256 SHA-256 of the file.
 * @property bytes length of the file.
 * @property path the file, for reading only.
 * @property publisher the key of the publisher whose catalogue it was installed from; none of a file that was installed by itself.
 * @property withdrawn its publisher has withdrawn it, with these words, which may be none: it is no longer drawn with.
 */
public class PackInfo internal constructor(
    public val name: String,
    public val version: Int,
    public val trigger: String,
    public val subjectClass: String,
    public val scope: Scope,
    public val author: String,
    public val licence: String,
    public val model: String,
    public val tool: String,
    public val created: Long,
    public val fingerprint: String,
    public val precision: Precision,
    public val neurons: Long,
    public val preview: ByteArray?,
    public val sha256: String,
    public val bytes: Long,
    public val path: File,
    public val publisher: String?,
    public val withdrawn: String?,
) {
    override fun equals(other: Any?): Boolean = other is PackInfo && sha256 == other.sha256 && path == other.path

    override fun hashCode(): Int = sha256.hashCode()

    override fun toString(): String = "PackInfo($name, version $version, for $model)"

    public companion object {
        /** What a pack file says of itself, wherever it lies. Nothing is installed. */
        public suspend fun read(file: File): PackInfo =
            blocking(kotlinx.coroutines.Dispatchers.IO, Stop()) {
                translated { dev.cones.generated.readPack(file.path) }.wrapped()
            }
    }
}

/**
 * An installed pack that is not as it was when it was installed, or lost.
 *
 * @property pack which.
 * @property reason what is wrong with it.
 */
public data class DamagedPack(val pack: PackInfo, val reason: String)

internal fun dev.cones.generated.PackInfo.wrapped() =
    PackInfo(
        name = name,
        version = version.toInt(),
        trigger = trigger,
        subjectClass = subjectClass,
        scope = scope,
        author = author,
        licence = licence,
        model = model,
        tool = tool,
        created = created.toLong(),
        fingerprint = fingerprint,
        precision = precision,
        neurons = neurons.toLong(),
        preview = preview,
        sha256 = sha256,
        bytes = bytes.toLong(),
        path = File(path),
        publisher = publisher,
        withdrawn = withdrawn,
    )
