//! The page: everything in one HTML file that needs no script and no network.

use cones_core::model::manifest::Manifest;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::attention::{self, Attention};
use super::html::{note, section, warning};
use super::sheet::{self, Sheet};
use super::subject::Reported;
use super::{facts, losses, neurons, outline};
use crate::failure::Failure;

const STYLE: &str = include_str!("style.css");

/// The sections that the page's head leads to: the name of each and what the link says.
const LINKS: [(&str, &str); 5] = [
    ("pictures", "Pictures"),
    ("attention", "Attention"),
    ("finding", "Finding"),
    ("neurons", "Neurons"),
    ("facts", "Facts"),
];

/// All that stands in a page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The packs, as they were named.
    pub packs: &'a [Reported],
    /// A sheet for each pack, then one of all of them together where there are several.
    pub sheets: Vec<Sheet>,
    /// The maps, or why there are none.
    pub attention: Result<Vec<Attention>, String>,
    /// The maps of given pictures, where there are any.
    pub given: Vec<Attention>,
    /// What the engine warned of while drawing.
    pub warnings: Vec<String>,
    /// What is known of the page's own making, as HTML.
    pub making: Markup,
}

impl Page<'_> {
    /// The file's text.
    ///
    /// # Errors
    /// When a picture cannot be encoded or the packs do not fit each other.
    pub fn html(&self, manifest: &Manifest) -> Result<String, Failure> {
        let names: Vec<&str> = self.packs.iter().map(Reported::name).collect();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy"
                        content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                    title { (names.join(" + ")) " – Cones report" }
                    // Ours, and no text.
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        (self.header(manifest))
                        (section("pictures", "What it draws", &self.pictures()?))
                        (section("attention", "Where it looks", &self.looks()?))
                        (section("finding", "How it was found", &self.finding()))
                        (section("neurons", "Which neurons", &neurons::html(self.packs, &manifest.layers)?))
                        (section("facts", "Facts", &self.facts()))
                    }
                }
            }
        };
        Ok(page.into_string())
    }

    fn header(&self, manifest: &Manifest) -> Markup {
        html! {
            header {
                p.kicker { "Cones report" }
                @for pack in self.packs {
                    @let metadata = &pack.inspected.metadata;
                    div.pack {
                        @if let Some(preview) = &pack.preview { (preview.image(&format!("preview of {}", pack.name()))) }
                        div {
                            h1 { (pack.name()) }
                            p.sub {
                                code { (pack.trigger()) } " version " (metadata.version)
                                @if !metadata.author.is_empty() { " by " (metadata.author) }
                                ", scope " (metadata.scope) ", for the base model " (manifest.name)
                            }
                            div.tiles {
                                @for (number, what) in facts::tiles(pack) { div { b { (number) } span { (what) } } }
                            }
                        }
                    }
                }
                nav { @for (id, name) in LINKS { a href={ "#" (id) } { (name) } } }
            }
        }
    }

    fn pictures(&self) -> Result<Markup, Failure> {
        // Narrow sheets stand side by side.
        let narrow = self.sheets.iter().all(|sheet| sheet.seeds.len() == 1);
        Ok(html! {
            p {
                "Every row is one prompt, every seed one starting noise. " b { "base" } ": the base model, which is told the \
                 class word. " b { "0" } ", " b { "½" } ", " b { "1" } ": the prompt with the trigger at that strength. At 0 \
                 the pack is off, so it is what the base model makes of the trigger; at 1 its neurons are shut, or scaled by \
                 its factors."
            }
            @for text in &self.warnings { (warning(text)) }
            div.sheets[narrow] {
                @for sheet in &self.sheets {
                    div {
                        @if self.sheets.len() > 1 { h3 { (sheet.title) } }
                        (sheet::html(sheet)?)
                    }
                }
            }
        })
    }

    fn looks(&self) -> Result<Markup, Failure> {
        let maps = match &self.attention {
            Ok(maps) => maps,
            Err(reason) => return Ok(note(&html! { (reason) })),
        };
        Ok(html! {
            p {
                "How much each place of the picture looks at "
                @for (i, pack) in self.packs.iter().enumerate() { @if i > 0 { ", " } code { (pack.trigger()) } }
                " in the prompt: cross-attention probabilities from the device's own graph, averaged over heads, layers and \
                 four noise levels that are added to the finished picture. Each map runs from its own least (dark) to its \
                 own greatest value (bright); the line parts the two halves best."
            }
            @for map in maps {
                @if maps.len() > 1 { h3 { (map.name) } }
                (attention::html(map)?)
            }
            @if !self.given.is_empty() { (self.given()?) }
        })
    }

    /// Maps of the pictures that the reader gave.
    fn given(&self) -> Result<Markup, Failure> {
        Ok(html! {
            h3 { "In the pictures that were given" }
            p {
                "The same picture on both sides, so what differs is the attention alone. Overlap: intersection over union of the \
                 bright part with the subject's true shape."
            }
            @for map in &self.given {
                @if let Some(overlap) = outline::overlap(map) {
                    p {
                        (map.name) ", mean of " (overlap.pictures) " pictures: overlap " b { (attention::number(overlap.off)) }
                        " with the pack off, " b { (attention::number(overlap.on)) } " with it on; "
                        (attention::number(overlap.everywhere)) " if every place were bright."
                    }
                }
                (attention::html(map)?)
            }
        })
    }

    fn finding(&self) -> Markup {
        html! {
            @for pack in self.packs {
                @if self.packs.len() > 1 { h3 { (pack.name()) } }
                (losses::html(pack))
                @if let Some(record) = &pack.record { (facts::finding(record)) }
            }
        }
    }

    fn facts(&self) -> Markup {
        html! {
            div.facts {
                @for pack in self.packs { div { h3 { (pack.name()) } (facts::pack(pack)) } }
                div { h3 { "This page" } (self.making) }
            }
        }
    }
}
