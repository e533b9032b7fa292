//! The page, inside this program: nothing is fetched from anywhere else.

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($($name:literal $kind:expr),* $(,)?) => {
        [$(Asset { name: $name, kind: $kind, text: include_str!(concat!("../page/", $name)) }),*]
    };
}

/// Its files by name.
const ASSETS: [Asset; 13] = assets![
    "index.html" "text/html; charset=utf-8",
    "style.css" "text/css; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "app.js" SCRIPT,
    "api.js" SCRIPT,
    "dom.js" SCRIPT,
    "crop.js" SCRIPT,
    "chart.js" SCRIPT,
    "subject.js" SCRIPT,
    "draw.js" SCRIPT,
    "brush.js" SCRIPT,
    "gallery.js" SCRIPT,
    "publish.js" SCRIPT,
];

/// What a browser may do with the page: run its own script, ask its own server, and nothing else.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page by the path of its address.
pub(crate) fn asset(path: &str) -> Option<Asset> {
    let name = if path == "/" { "index.html" } else { path.strip_prefix('/')? };
    ASSETS.into_iter().find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_nobody_else_and_needs_nothing_that_the_policy_forbids() {
        for asset in ASSETS {
            let text = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{}", asset.name);
            for forbidden in [" style=\"", "onclick=", "<script>", "innerHTML", "eval("] {
                assert!(!text.contains(forbidden), "{} has {forbidden}", asset.name);
            }
        }
        assert!(asset("/").is_some() && asset("/app.js").is_some());
        assert!(asset("/../Cargo.toml").is_none() && asset("").is_none() && asset("//app.js").is_none());
    }
}
