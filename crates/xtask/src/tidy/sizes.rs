//! A file of more than 500 lines is two things; a shell of more than 850 does what the engine should.

use super::sources::Source;

const FILE: usize = 500;
const SHELL: usize = 850;

pub fn check(sources: &[Source]) -> Vec<String> {
    let mut found: Vec<String> = sources
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE)
        .map(|(source, lines)| {
            format!(
                "{}: {lines} lines, more than {FILE}: is it two things?",
                source.path
            )
        })
        .collect();
    let shell: usize = sources
        .iter()
        .filter(|source| source.path.starts_with("src-tauri/"))
        .map(|source| source.text.lines().count())
        .sum();
    if shell > SHELL {
        found.push(format!(
            "src-tauri: {shell} lines, more than {SHELL}: the shell is thin, the engine does the work"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize) -> Source {
        Source {
            path: path.to_owned(),
            text: "x\n".repeat(lines),
        }
    }

    #[test]
    fn files_and_a_shell_within_bounds_pass() {
        let sources = [
            source("a.rs", 500),
            source("src-tauri/main.rs", 425),
            source("src-tauri/lib.rs", 425),
        ];
        assert!(check(&sources).is_empty());
    }

    #[test]
    fn a_long_file_and_a_thick_shell_are_found() {
        assert_eq!(check(&[source("a.rs", 501)]).len(), 1);
        let thick = [
            source("src-tauri/main.rs", 425),
            source("src-tauri/lib.rs", 426),
        ];
        assert_eq!(check(&thick).len(), 1);
    }
}
