//! Line charts as inline SVG: axes, ticks, lines, marks. Colours come from the page's style, which knows light and dark.

use maud::{Markup, html};

/// Size of a chart, in its own units; the page scales it.
const SIZE: (f64, f64) = (520.0, 320.0);
/// Space left of, above, right of and below the plot.
const MARGIN: [f64; 4] = [62.0, 22.0, 14.0, 48.0];

/// A chart.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// What the horizontal axis says, with its unit.
    pub across: String,
    /// What the vertical axis says, with its unit.
    pub up: String,
    /// The horizontal range.
    pub x: (f64, f64),
    /// The vertical range; what lies outside is cut off.
    pub y: (f64, f64),
    /// Places on the horizontal axis.
    pub ticks: Vec<(f64, String)>,
    /// The lines.
    pub lines: Vec<Line>,
    /// An upright line with what it marks.
    pub mark: Option<(f64, String)>,
}

/// One line of a chart.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line's class in the page's style: `a`, `b` or `c`.
    pub class: &'static str,
    /// How it is drawn.
    pub form: Form,
    /// The line's points.
    pub points: Vec<(f64, f64)>,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line.
    Plain,
    /// A thin, pale line.
    Pale,
    /// A line with a dot at each point.
    Dotted,
    /// A dashed line.
    Dashed,
}

impl Chart {
    /// The element.
    pub fn svg(&self) -> Markup {
        let [left, top, right, bottom] = MARGIN;
        let (width, height) = (SIZE.0 - left - right, SIZE.1 - top - bottom);
        let base = top + height;
        html! {
            svg.chart viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(self.title) {
                title { (self.title) }
                @for value in round_values(self.y) {
                    @let y = top + height * (1.0 - share(value, self.y));
                    line.grid x1=(left) x2=(tenth(left + width)) y1=(tenth(y)) y2=(tenth(y)) {}
                    text x=(tenth(left - 6.0)) y=(tenth(y + 4.0)) text-anchor="end" { (shown(value, self.y)) }
                }
                @for (value, text) in &self.ticks {
                    @let x = tenth(left + width * share(*value, self.x));
                    line.axis x1=(x) x2=(x) y1=(tenth(base)) y2=(tenth(base + 4.0)) {}
                    text x=(x) y=(tenth(base + 18.0)) text-anchor="middle" { (text) }
                }
                path.axis d={ "M" (left) " " (top) "V" (tenth(base)) "H" (tenth(left + width)) } {}
                text x=(tenth(left + width / 2.0)) y=(tenth(SIZE.1 - 8.0)) text-anchor="middle" { (self.across) }
                text x="4" y="12" { (self.up) }
                // An inner view cuts off what lies outside of the ranges.
                svg x=(left) y=(top) width=(width) height=(height) {
                    @if let Some((value, text)) = &self.mark {
                        @let x = width * share(*value, self.x);
                        @let (anchor, beside) = if x > width * 0.6 { ("end", x - 6.0) } else { ("start", x + 6.0) };
                        line.mark x1=(tenth(x)) x2=(tenth(x)) y1="0" y2=(height) {}
                        text.mark x=(tenth(beside)) y="14" text-anchor=(anchor) { (text) }
                    }
                    @for line in &self.lines { (self.line(line, (width, height))) }
                }
            }
        }
    }

    fn line(&self, line: &Line, (width, height): (f64, f64)) -> Markup {
        let place = |(x, y): &(f64, f64)| (width * share(*x, self.x), height * (1.0 - share(*y, self.y)));
        let points: Vec<(f64, f64)> =
            line.points.iter().map(place).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        let form = match line.form {
            Form::Pale => "pale",
            Form::Dashed => "dashed",
            Form::Plain | Form::Dotted => "",
        };
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        html! {
            polyline class={ "line " (line.class) " " (form) } points=(path.join(" ")) {}
            @if line.form == Form::Dotted {
                @for (x, y) in points { circle class={ "dot " (line.class) } cx=(tenth(x)) cy=(tenth(y)) r="3.5" {} }
            }
        }
    }
}

/// A place in the chart, to a tenth of its unit.
fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

/// Where a value lies in a range, 0 to 1 inside it.
fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low { (value - low) / (high - low) } else { 0.5 }
}

/// Distance between round values: 1, 2 or 5 times a power of ten, about five in the range.
fn step((low, high): (f64, f64)) -> f64 {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

/// Round values in a range.
pub fn round_values(range: (f64, f64)) -> Vec<f64> {
    let step = step(range);
    if !step.is_finite() || step <= 0.0 {
        return vec![range.0];
    }
    let first = (range.0 / step).ceil();
    (0..20).map(|i| (first + f64::from(i)) * step).take_while(|value| *value <= range.1 + step * 1e-6).collect()
}

/// A value with as many decimals as tell it from the next round one.
fn shown(value: f64, range: (f64, f64)) -> String {
    let decimals = (-step(range).log10().floor()).clamp(0.0, 6.0);
    // Clamped, so it is a small whole number.
    format!("{value:.*}", decimals as usize)
}

/// A range around values with a little room; none where there is no value.
pub fn range_of(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    let room = if high > low { 0.06 * (high - low) } else { (0.1 * high.abs()).max(1e-6) };
    (low <= high).then_some((low - room, high + room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let shown = |range| round_values(range).into_iter().map(|v| shown(v, range)).collect::<Vec<_>>();
        assert_eq!(shown((0.1281, 0.1378)), ["0.130", "0.132", "0.134", "0.136"]);
        assert_eq!(shown((0.0, 300.0)), ["0", "100", "200", "300"]);
        assert_eq!(round_values((1.0, 1.0)), [1.0]);
        assert_eq!(range_of([].into_iter()), None);
    }

    #[test]
    fn lines_lie_in_the_plot_and_texts_are_escaped() {
        let line = Line { class: "a", form: Form::Dotted, points: vec![(0.0, 1.0), (10.0, 2.0), (5.0, f64::NAN)] };
        let chart = Chart {
            title: "<b>".into(),
            across: "steps".into(),
            up: "loss".into(),
            x: (0.0, 10.0),
            y: (1.0, 2.0),
            ticks: vec![(5.0, "5 & more".into())],
            lines: vec![line],
            mark: Some((10.0, "chosen".into())),
        };
        let svg = chart.svg().into_string();
        assert!(svg.contains("points=\"0.0,250.0 444.0,0.0\""), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("&lt;b&gt;") && svg.contains("5 &amp; more") && !svg.contains("<b>"));
    }
}
