//! A page for people in a published folder: what is there, and a link that an app takes.

use std::path::Path;

use cones_core::disk::atomic;
use cones_core::library::catalog::{CATALOG, Catalog, PackEntry};
use cones_core::subjects::pack::Header;
use cones_core::{Error, PublicKey};
use maud::{DOCTYPE, PreEscaped, html};

use crate::error::Result;

/// The page's file.
pub const PAGE: &str = "index.html";

/// What a link that an app takes begins with; the catalogue's URL and the publisher's key follow.
pub const LINK: &str = "cones://catalog";

/// The link to a catalogue that an app takes: the key comes with it, from whoever shows the link.
#[must_use]
pub fn link(catalog: &str, key: &PublicKey) -> String {
    let plain =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    format!("{LINK}?url={}&key={}", plain(catalog), plain(key.base64()))
}

const STYLE: &str = "
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
ul { list-style: none; padding: 0; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
li { border: 1px solid #8886; border-radius: .6rem; padding: .7rem; overflow-wrap: anywhere; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: .3rem; image-rendering: pixelated; }
.open { display: block; text-align: center; padding: .8rem; border-radius: .6rem; background: #2b59c3; color: #fff; text-decoration: none; }
code { overflow-wrap: anywhere; }";

/// The page does not know where it will be served.
const SCRIPT: &str = "
const link = document.querySelector('a.open');
const catalogue = new URL(link.dataset.catalogue, location.href);
link.href = link.dataset.link + '?url=' + encodeURIComponent(catalogue) + '&key=' + encodeURIComponent(link.dataset.key);
document.querySelector('#url').textContent = catalogue;";

/// Writes the page of a catalogue into its folder, with the pictures that its packs bring along.
///
/// # Errors
/// When a pack cannot be read, or a file not be written.
pub fn write(folder: &Path, catalog: &Catalog, key: &PublicKey) -> Result<()> {
    let mut previews = Vec::new();
    for pack in &catalog.packs {
        previews.push(preview(folder, pack)?);
    }
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (catalog.publisher) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (catalog.publisher) }
                p { a.open data-catalogue=(CATALOG) data-link=(LINK) data-key=(key.base64()) href=(CATALOG) { "Open in the app" } }
                ul {
                    @for (pack, preview) in catalog.packs.iter().zip(&previews) {
                        li {
                            @if let Some(preview) = preview { img src=(preview) alt=(format!("{}, a {}", pack.name, pack.class)); }
                            strong { (pack.name) } ", " (pack.class) br;
                            a href=(pack.url) download { "the pack, " (pack.bytes.div_ceil(1000)) " KB" }
                        }
                    }
                }
                p { "In the app by hand: catalogue " code #url { (CATALOG) } ", publisher's key " code { (key.base64()) } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(atomic::write(&folder.join(PAGE), page.into_string().as_bytes())?)
}

/// The picture of a pack, as a file beside it; none where it has none, or lies elsewhere.
fn preview(folder: &Path, pack: &PackEntry) -> Result<Option<String>> {
    let path = folder.join(&pack.url);
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
    let Some(preview) = Header::read(&pack.url, &bytes)?.preview else { return Ok(None) };
    let ending = if preview.starts_with(b"RIFF") { "webp" } else { "png" };
    let name = format!("{}.{ending}", pack.url.trim_end_matches(".cones"));
    atomic::write(&folder.join(&name), &preview)?;
    Ok(Some(name))
}
