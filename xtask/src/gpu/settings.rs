//! What `cargo xtask gpu` and `cargo xtask gpu rehearse` are told.

use std::path::PathBuf;

use crate::failure::{Failure, Result};

/// How long is trained, from what, and what is tried out beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the training: artwork, tokenizer, checkpoints.
    pub(crate) work: PathBuf,
    /// Of the whole training; it ends then, whatever it has reached.
    pub(crate) seconds: u32,
    /// Of these, the VAE's; 0 where it is trained already.
    pub(crate) vae_seconds: u32,
    /// Pictures in one step.
    pub(crate) batch: u32,
    /// More arguments for `train_vae.py` and `train_unet.py`, as one would type them.
    pub(crate) flags: [String; 2],
    /// Whether the CUDA provider travels too.
    pub(crate) provider: bool,
    /// Of all checks of the provider.
    pub(crate) check_seconds: u32,
    /// The rehearsal: a step or two of everything, on the CPU.
    pub(crate) tiny: bool,
}

impl Settings {
    /// From the command line.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut settings = Self {
            work: PathBuf::from("target/toybox-training"),
            seconds: 630,
            vae_seconds: 180,
            batch: 256,
            flags: Default::default(),
            provider: true,
            check_seconds: 270,
            tiny: false,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let mut value = || {
                arguments.next().map(String::as_str).ok_or_else(|| Failure::new(format!("{name} names nothing"), ""))
            };
            match name.as_str() {
                "--work" => settings.work = value()?.into(),
                "--minutes" => settings.seconds = seconds(name, value()?)?,
                "--vae-minutes" => settings.vae_seconds = seconds(name, value()?)?,
                "--batch" => settings.batch = number(name, value()?)? as u32,
                "--vae-flags" => settings.flags[0] = flags(name, value()?)?,
                "--unet-flags" => settings.flags[1] = flags(name, value()?)?,
                "--no-cuda" => settings.provider = false,
                _ => {
                    return Err(Failure::new(format!("there is no option '{name}'"), "`cargo xtask help` lists them."));
                }
            }
        }
        if settings.batch == 0 || settings.seconds == 0 || settings.vae_seconds > settings.seconds {
            return Err(Failure::new(
                "--batch and --minutes start above 0, and --vae-minutes are a part of --minutes",
                "For a VAE that is trained already say `--vae-minutes 0`.",
            ));
        }
        Ok(settings)
    }

    /// These settings at the scale of a rehearsal; a loaded machine needs a minute before each of the trainings begins.
    pub(crate) fn rehearsed(&self) -> Self {
        Self {
            seconds: 330,
            vae_seconds: self.vae_seconds.min(100),
            batch: 4,
            check_seconds: 420,
            tiny: true,
            ..self.clone()
        }
    }

    /// What `gpu.sh check` is told.
    pub(crate) fn provider_flags(&self) -> &'static str {
        if self.tiny { "cpu --tiny" } else { "cuda" }
    }
}

/// They stand between quotes in a command.
fn flags(name: &str, text: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -._=/".contains(c);
    let fault = || Failure::new(format!("{name} '{text}': only letters, digits and ' -._=/' stand in it"), "");
    text.chars().all(plain).then(|| text.to_owned()).ok_or_else(fault)
}

fn seconds(name: &str, minutes: &str) -> Result<u32> {
    Ok((number(name, minutes)? * 60.0).round() as u32)
}

fn number(name: &str, text: &str) -> Result<f64> {
    let fault = || Failure::new(format!("{name} {text}: that is not a number from 0 to 100000"), "");
    text.parse().ok().filter(|n| (0.0..=1e5).contains(n)).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Settings> {
        Settings::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_wrong_ones_refused() -> Result {
        let settings = parse("--work here --minutes 9.5 --vae-minutes 0 --batch 128 --no-cuda")?;
        assert_eq!((settings.seconds, settings.vae_seconds, settings.batch, settings.provider), (570, 0, 128, false));
        assert_eq!(settings.work, PathBuf::from("here"));
        for wrong in [
            "--minutes",
            "--minutes x",
            "--minutes -1",
            "--minutes NaN",
            "--batch 0",
            "--minutes 1 --vae-minutes 2",
            "x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn a_rehearsal_is_short_and_needs_no_gpu() -> Result {
        let settings = parse("--minutes 11 --vae-minutes 4")?.rehearsed();
        assert!(settings.seconds < 400 && settings.vae_seconds > 0 && settings.provider_flags().starts_with("cpu"));
        assert_eq!(parse("--vae-minutes 0")?.rehearsed().vae_seconds, 0);
        Ok(())
    }
}
