//! What stands after the command's name.

/// Our one switch, and everything else untouched.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `--offline`, handed to cargo.
    pub(crate) offline: bool,
    /// For the program that the command runs.
    pub(crate) rest: Vec<String>,
}

impl Options {
    /// Takes `--offline` out, unless it stands after `--`, where it belongs to somebody else.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut options = Self::default();
        let mut ours = true;
        for argument in arguments {
            ours &= argument != "--";
            if ours && argument == "--offline" {
                options.offline = true;
            } else {
                options.rest.push(argument);
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn offline_is_taken_out_and_the_rest_is_kept_in_order() {
        let options = Options::parse(["-p", "--offline", "x", "--", "--offline"].map(String::from));
        assert!(options.offline);
        assert_eq!(options.rest, ["-p", "x", "--", "--offline"]);
    }
}
