//! Parts of the page that several sections have. Names, triggers and authors come from files of strangers: `maud` escapes
//! whatever is put into markup, so none of it is ever markup itself.

use maud::{Markup, html};

/// A section that a link can lead to.
pub fn section(id: &str, title: &str, inside: &Markup) -> Markup {
    html! {
        section id=(id) { h2 { (title) } (inside) }
    }
}

/// A remark that stands out.
pub fn note(inside: &Markup) -> Markup {
    html! { p.note { (inside) } }
}

/// A remark that warns.
pub fn warning(inside: &str) -> Markup {
    html! { p.note.warning { (inside) } }
}

/// A table; the first column names the row, the others hold numbers.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for title in head { th scope="col" { (title) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Names with their values, one below the other. Empty values are left out.
pub fn list(facts: &[(&str, String)]) -> Markup {
    html! {
        dl {
            @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (name) } dd { (value) }
            }
        }
    }
}

/// A whole number with thin spaces between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let hostile = "<script>alert('x')</script>\" onload=\"&";
        let both = table([hostile, "n"], &[[hostile.into(), hostile.into()]]).into_string()
            + &list(&[("a", hostile.into())]).into_string()
            + &section(hostile, hostile, &note(&html! { (hostile) })).into_string();
        assert!(!both.contains("<script") && !both.contains("\" onload"), "{both}");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(25_126), "25\u{202f}126");
        assert_eq!(grouped(1_442_368), "1\u{202f}442\u{202f}368");
    }
}
