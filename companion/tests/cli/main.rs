//! The command `cones` as it is typed. About half a minute on two busy cores, in the release profile.

mod adapters;
mod boxes;
mod bundles;
mod drawing;
mod embeds;
mod few_steps;
mod finding;
mod flow;
#[cfg(target_os = "linux")]
mod full_disk;
mod inpainting;
#[cfg(unix)]
mod interrupted;
#[cfg(unix)]
mod killed;
mod killed_studio;
mod kinds;
mod masks;
mod open_studio;
mod publishing;
mod quantising;
mod report;
mod rotation;
mod safety;
mod sdxl;
mod serving;
#[cfg(unix)]
mod stopped;
mod store;
mod story;
#[cfg(unix)]
mod studio;
mod subjects;
mod tool;
mod usage;
mod writing;
