//! The page: everything in one HTML file that needs no script and no network.

use std::fmt::Write;

use cones_core::manifest::Manifest;

use super::attention::{self, Attention};
use super::html::{element, escape, section};
use super::sheet::{self, Sheet};
use super::subject::Reported;
use super::{facts, losses, neurons};
use crate::cli::Failure;

const STYLE: &str = include_str!("style.css");

/// All that stands in a page.
#[derive(Debug)]
pub struct Page<'a> {
    /// The packs, as they were named.
    pub packs: &'a [Reported],
    /// A sheet for each pack, then one of all of them together where there are several.
    pub sheets: Vec<Sheet>,
    /// The maps, or why there are none.
    pub attention: Result<Vec<Attention>, String>,
    /// What the engine warned of while drawing.
    pub warnings: Vec<String>,
    /// What is known of the page's own making, as HTML.
    pub making: String,
}

impl Page<'_> {
    /// The file's text.
    ///
    /// # Errors
    /// When a picture cannot be encoded or the packs do not fit each other.
    pub fn html(&self, manifest: &Manifest) -> Result<String, Failure> {
        let names: Vec<&str> = self.packs.iter().map(Reported::name).collect();
        let title = escape(names.join(" + "));
        let mut body = self.header(manifest);
        body.push_str(&section("pictures", "What it draws", &self.pictures()?));
        body.push_str(&section("attention", "Where it looks", &self.looks()?));
        body.push_str(&section("finding", "How it was found", &self.finding()));
        body.push_str(&section("neurons", "Which neurons", &neurons::html(self.packs, &manifest.layers)?));
        body.push_str(&section("facts", "Facts", &self.facts()));
        Ok(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
             <title>{title} – Cones report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
             </body>\n</html>\n"
        ))
    }

    fn header(&self, manifest: &Manifest) -> String {
        let mut out = String::from("<header>\n<p class=\"kicker\">Cones report</p>\n");
        for pack in self.packs {
            let metadata = &pack.inspected.metadata;
            let preview = pack.preview.as_ref().map(|still| still.image(&format!("preview of {}", pack.name())));
            let by =
                if metadata.author.is_empty() { String::new() } else { format!(" by {}", escape(&metadata.author)) };
            let _ = write!(
                out,
                "<div class=\"pack\">{}<div><h1>{}</h1>\n<p class=\"sub\"><code>{}</code> version {}{by}, scope {}, for the \
                 base model {}</p>\n<div class=\"tiles\">",
                preview.unwrap_or_default(),
                escape(pack.name()),
                escape(pack.trigger()),
                metadata.version,
                metadata.scope,
                escape(&manifest.name)
            );
            for (number, what) in facts::tiles(pack) {
                let _ = write!(out, "<div><b>{}</b><span>{}</span></div>", escape(number), escape(what));
            }
            out.push_str("</div></div></div>\n");
        }
        let links = [
            ("pictures", "Pictures"),
            ("attention", "Attention"),
            ("finding", "Finding"),
            ("neurons", "Neurons"),
            ("facts", "Facts"),
        ];
        let links: String = links.iter().map(|(id, name)| format!("<a href=\"#{id}\">{name}</a>")).collect();
        out + &element("nav", "", &links) + "\n</header>\n"
    }

    fn pictures(&self) -> Result<String, Failure> {
        let mut out = element(
            "p",
            "",
            "Every row is one prompt, every seed one starting noise. <b>base</b>: the base model, which is told the class \
             word. <b>0</b>, <b>½</b>, <b>1</b>: the prompt with the trigger at that strength. At 0 the pack is off, so it \
             is what the base model makes of the trigger; at 1 its neurons are shut, or scaled by its factors.",
        );
        for warning in &self.warnings {
            out.push_str(&element("p", "note warning", &escape(warning)));
        }
        // Narrow sheets stand side by side.
        let narrow = self.sheets.iter().all(|sheet| sheet.seeds.len() == 1);
        out.push_str(if narrow { "<div class=\"sheets\">\n" } else { "<div>\n" });
        for sheet in &self.sheets {
            let title = if self.sheets.len() > 1 { element("h3", "", &escape(&sheet.title)) } else { String::new() };
            out.push_str(&element("div", "", &(title + &sheet::html(sheet)?)));
        }
        Ok(out + "</div>\n")
    }

    fn looks(&self) -> Result<String, Failure> {
        let maps = match &self.attention {
            Ok(maps) => maps,
            Err(reason) => return Ok(element("p", "note", &escape(reason))),
        };
        let words: Vec<String> = self.packs.iter().map(|pack| element("code", "", &escape(pack.trigger()))).collect();
        let mut out = element(
            "p",
            "",
            &format!(
                "How much each place of the picture looks at {} in the prompt: cross-attention probabilities from the \
                 device's own graph, averaged over heads, layers and four noise levels that are added to the finished \
                 picture. Each map runs from its own least (dark) to its own greatest value (bright); the line parts the \
                 two halves best.",
                words.join(", ")
            ),
        );
        for map in maps {
            if maps.len() > 1 {
                out.push_str(&element("h3", "", &escape(&map.name)));
            }
            out.push_str(&attention::html(map)?);
        }
        Ok(out)
    }

    fn finding(&self) -> String {
        let mut out = String::new();
        for pack in self.packs {
            if self.packs.len() > 1 {
                out.push_str(&element("h3", "", &escape(pack.name())));
            }
            out.push_str(&losses::html(pack));
            if let Some(record) = &pack.record {
                out.push_str(&facts::finding(record));
            }
        }
        out
    }

    fn facts(&self) -> String {
        let mut out = String::from("<div class=\"facts\">\n");
        for pack in self.packs {
            let _ = write!(out, "<div><h3>{}</h3>\n{}</div>\n", escape(pack.name()), facts::pack(pack));
        }
        let _ = write!(out, "<div><h3>This page</h3>\n{}</div>\n</div>\n", self.making);
        out
    }
}
