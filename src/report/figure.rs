//! Pictures as inline SVG. They read without colour: what a bar is stands beside it, hollow and filled differ.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::facts::Tradeoff;
use super::words::Lang;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const INK: RGBColor = RGBColor(0x1c, 0x23, 0x2b);
const SOFT: RGBColor = RGBColor(0x4a, 0x55, 0x61);
const LINE: RGBColor = RGBColor(0xc9, 0xd1, 0xd9);
const TRACK: RGBColor = RGBColor(0xee, 0xf1, 0xf4);
/// Before.
pub const GREY: RGBColor = RGBColor(0x6b, 0x75, 0x80);
/// Pseudonymized, and whatever stands between.
pub const BLUE: RGBColor = RGBColor(0x1f, 0x5f, 0x99);
/// Anonymized, released.
pub const GREEN: RGBColor = RGBColor(0x12, 0x6b, 0x52);
/// What does not hold, what is gone.
pub const RED: RGBColor = RGBColor(0xa8, 0x32, 0x1e);

/// A finished picture.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The SVG element, with its title and description inside.
    pub svg: String,
}

/// A bar in a table of bars.
#[derive(Clone, Debug)]
pub struct BarCell {
    /// Its length, 0 to 1; not a number: no bar.
    pub length: f64,
    /// What stands beside it.
    pub text: String,
    /// Only an outline.
    pub hollow: bool,
    /// Its colour.
    pub colour: RGBColor,
}

impl BarCell {
    /// A cell without a bar.
    #[must_use]
    pub fn text(text: String) -> Self {
        BarCell { length: f64::NAN, text, hollow: false, colour: INK }
    }
}

/// A table whose cells are bars.
#[derive(Clone, Debug, Default)]
pub struct BarTable {
    /// For the title element.
    pub title: String,
    /// Head of the labels.
    pub corner: String,
    /// Heads of the columns.
    pub heads: Vec<String>,
    /// Labels and cells.
    pub rows: Vec<(String, Vec<Option<BarCell>>)>,
    /// A dashed line above a row, with a word.
    pub line: Option<(usize, String)>,
    /// Width of the labels in pixels.
    pub label_width: i32,
    /// Widths of the columns in pixels.
    pub widths: Vec<i32>,
}

/// Text that is safe in XML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Width of a text at a size, about: CJK characters are square, others half as wide.
fn width(text: &str, size: i32) -> i32 {
    let halves: i32 = text.chars().map(|c| if c.is_ascii() { 11 } else { 20 }).sum();
    halves * size / 20
}

/// As much of a text as fits.
fn clip(text: &str, size: i32, most: i32) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if width(&text, size) <= most {
        return text;
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out, size) + size > most {
            break;
        }
    }
    out.push('…');
    out
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: i32, colour: RGBColor, h: HPos) {
    // The backend divides sizes by 1.24; drawing into memory cannot fail.
    let style = TextStyle::from(("sans-serif", f64::from(size) * 1.24).into_font())
        .color(&colour)
        .pos(Pos::new(h, VPos::Center));
    let _ = area.draw(&Text::new(words.to_owned(), at, style));
}

fn rectangle(area: &Area<'_>, from: (i32, i32), to: (i32, i32), style: ShapeStyle) {
    let _ = area.draw(&Rectangle::new([from, to], style));
}

fn line(area: &Area<'_>, points: Vec<(i32, i32)>, colour: RGBColor, width: u32) {
    let _ = area.draw(&PathElement::new(points, colour.stroke_width(width)));
}

fn dashed(area: &Area<'_>, y: i32, from: i32, to: i32) {
    let mut x = from;
    while x < to {
        line(area, vec![(x, y), ((x + 5).min(to), y)], INK, 1);
        x += 9;
    }
}

/// Draws into a string; adds title, description and the role that screen readers need.
fn picture(
    size: (i32, i32),
    title: &str,
    description: &str,
    draw: impl FnOnce(&Area<'_>),
) -> Figure {
    let mut svg = String::new();
    let whole = (size.0.max(1) as u32, size.1.max(1) as u32);
    {
        let area = SVGBackend::with_string(&mut svg, whole).into_drawing_area();
        draw(&area);
        let _ = area.present();
    }
    let body = svg.split_once('>').map_or("", |(_, rest)| rest);
    // The backend writes one element a line with attributes that are the default.
    let body = body
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" stroke-width=\"1\"", "")
        .replace(">\n", ">")
        .replace("\n<", "<");
    Figure {
        svg: format!(
            "<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\" width=\"{:.1}em\" xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title><desc>{}</desc>{body}",
            escape(title),
            whole.0,
            whole.1,
            // In the page's own unit: pictures shrink with the text on paper.
            f64::from(whole.0) / 15.0,
            escape(title),
            escape(description)
        ),
    }
}

const ROW: i32 = 18;

impl BarTable {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Figure {
        let size = (
            self.label_width + self.widths.iter().sum::<i32>(),
            26 + self.rows.len() as i32 * ROW + 6,
        );
        let description: Vec<String> = self
            .rows
            .iter()
            .map(|(label, cells)| {
                let values: Vec<String> = self
                    .heads
                    .iter()
                    .zip(cells)
                    .filter_map(|(head, cell)| {
                        cell.as_ref().map(|cell| format!("{head} {}", cell.text))
                    })
                    .collect();
                format!("{label}: {}", values.join(", "))
            })
            .collect();
        picture(size, &self.title, &description.join("; "), |area| {
            let corner = clip(&self.corner, 11, self.label_width - 10);
            text(area, &corner, (self.label_width - 8, 12), 11, SOFT, HPos::Right);
            let mut at = self.label_width;
            let mut places = Vec::with_capacity(self.widths.len());
            for (head, &wide) in self.heads.iter().zip(&self.widths) {
                text(area, &clip(head, 11, wide - 6), (at, 12), 11, SOFT, HPos::Left);
                places.push((at, wide));
                at += wide;
            }
            line(area, vec![(0, 23), (size.0, 23)], LINE, 1);
            for (index, (label, cells)) in self.rows.iter().enumerate() {
                let y = 26 + index as i32 * ROW;
                let middle = y + ROW / 2;
                let label = clip(label, 12, self.label_width - 10);
                text(area, &label, (self.label_width - 8, middle), 12, INK, HPos::Right);
                for (cell, &(x, wide)) in cells.iter().zip(&places) {
                    let Some(cell) = cell else { continue };
                    if cell.length.is_nan() {
                        text(area, &cell.text, (x, middle), 11, INK, HPos::Left);
                        continue;
                    }
                    let room = wide - 74;
                    rectangle(area, (x, y + 3), (x + room, y + ROW - 3), TRACK.filled());
                    let long = (f64::from(room) * cell.length.clamp(0.0, 1.0)).round() as i32;
                    let long = if cell.length > 0.0 { long.max(2) } else { 0 };
                    if long > 0 {
                        let (from, to) = ((x, y + 3), (x + long, y + ROW - 3));
                        if cell.hollow {
                            rectangle(area, from, to, WHITE.filled());
                            rectangle(area, from, to, cell.colour.stroke_width(2));
                        } else {
                            rectangle(area, from, to, cell.colour.filled());
                        }
                    }
                    text(area, &cell.text, (x + room + 5, middle), 11, INK, HPos::Left);
                }
            }
            if let Some((row, word)) = &self.line {
                let y = 26 + *row as i32 * ROW;
                dashed(area, y, 0, size.0);
                text(area, word, (2, y - 7), 11, INK, HPos::Left);
            }
        })
    }
}

/// A band that leaves the flow.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What it is.
    pub label: String,
    /// Its number as text.
    pub text: String,
    /// Its number, for the width.
    pub number: f64,
    /// Its colour.
    pub colour: RGBColor,
    /// Drawn as an outline.
    pub hollow: bool,
}

/// One flow: what came in and where it went. The last branch is what comes out.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What it is the flow of (`pseudonymized`).
    pub name: String,
    /// What came in.
    pub label: String,
    /// As text.
    pub text: String,
    /// As number.
    pub number: f64,
    /// Where it went.
    pub branches: Vec<Branch>,
}

/// A picture of streams, one below the other.
#[must_use]
pub fn flow(title: &str, streams: &[Stream]) -> Figure {
    const HEIGHT: f64 = 74.0;
    const GAP: i32 = 22;
    let (left, right, wide) = (176, 420, 780);
    let heights: Vec<Vec<i32>> = streams
        .iter()
        .map(|s| {
            s.branches
                .iter()
                .map(|b| {
                    if b.number <= 0.0 {
                        0
                    } else {
                        ((b.number / s.number.max(1.0)) * HEIGHT).round().max(3.0) as i32
                    }
                })
                .collect()
        })
        .collect();
    // Each branch has a line of text on the right, hence at least 20 pixels there.
    let right_height = |s: usize| -> i32 {
        streams[s]
            .branches
            .iter()
            .zip(&heights[s])
            .filter(|(b, _)| b.number > 0.0)
            .map(|(_, &h)| h.max(20) + 8)
            .sum()
    };
    let tall: Vec<i32> =
        (0..streams.len()).map(|s| right_height(s).max(HEIGHT as i32 + 12) + 24).collect();
    let size = (wide, tall.iter().sum::<i32>() + GAP * (streams.len().max(1) as i32 - 1) + 4);
    let description: Vec<String> = streams
        .iter()
        .map(|s| {
            let parts: Vec<String> =
                s.branches.iter().map(|b| format!("{} {}", b.label, b.text)).collect();
            format!("{}: {} {} → {}", s.name, s.label, s.text, parts.join(", "))
        })
        .collect();
    picture(size, title, &description.join("; "), |area| {
        let mut top = 0;
        for (s, stream) in streams.iter().enumerate() {
            text(area, &stream.name, (0, top + 9), 13, INK, HPos::Left);
            let start = top + 24;
            let whole: i32 = heights[s].iter().sum();
            rectangle(area, (left, start), (left + 14, start + whole.max(3)), GREY.filled());
            text(area, &stream.label, (left - 8, start + whole / 2 - 8), 12, SOFT, HPos::Right);
            text(area, &stream.text, (left - 8, start + whole / 2 + 8), 13, INK, HPos::Right);
            let (mut from, mut to) = (start, start);
            // What comes out first: it goes straight on.
            for (branch, &height) in stream.branches.iter().zip(&heights[s]).rev() {
                if branch.number <= 0.0 {
                    continue;
                }
                let band = band(left + 14, from, right, to, height);
                let _ = area.draw(&Polygon::new(band.clone(), branch.colour.mix(0.22).filled()));
                if branch.hollow {
                    let mut edge = band;
                    edge.extend(edge.first().copied());
                    line(area, edge, branch.colour, 1);
                }
                let node = ((right, to), (right + 14, to + height));
                rectangle(area, node.0, node.1, branch.colour.filled());
                let middle = to + height.max(20) / 2 - (20 - height.min(20)) / 4;
                text(area, &branch.text, (right + 22, middle), 13, INK, HPos::Left);
                let after = right + 30 + width(&branch.text, 13);
                let label = clip(&branch.label, 12, wide - after);
                text(area, &label, (after, middle), 12, SOFT, HPos::Left);
                from += height;
                to += height.max(20) + 8;
            }
            top += tall[s] + GAP;
        }
    })
}

/// The outline of a band between two heights.
fn band(x0: i32, y0: i32, x1: i32, y1: i32, height: i32) -> Vec<(i32, i32)> {
    // Straight: coordinates are whole pixels, in which a gentle curve would show steps.
    let (in_x, out_x) = (x0 + (x1 - x0) / 3, x1 - (x1 - x0) / 4);
    let upper = [(x0, y0), (in_x, y0), (out_x, y1), (x1, y1)];
    let mut points = upper.to_vec();
    points.extend(upper.iter().rev().map(|&(x, y)| (x, y + height)));
    points
}

/// One line of the picture of risks.
#[derive(Clone, Debug)]
pub struct RiskLine {
    /// What and where.
    pub label: String,
    /// Before, 0 to 1.
    pub before: Option<f64>,
    /// Released.
    pub after: Option<f64>,
    /// At most.
    pub threshold: Option<f64>,
    /// The released value as text.
    pub text: String,
}

/// Risks on a logarithmic scale from 0.0001 to 1.
#[must_use]
pub fn risks(title: &str, lines: &[RiskLine], heads: &str) -> Figure {
    const BAND: i32 = 34;
    let (left, right, wide) = (12, 590, 720);
    let size = (wide, 30 + lines.len() as i32 * BAND + 10);
    let x_of = |value: f64| {
        let log = value.clamp(1e-4, 1.0).log10();
        left + (f64::from(right - left) * (log + 4.0) / 4.0).round() as i32
    };
    let description: Vec<String> = lines
        .iter()
        .map(|l| {
            let number = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"));
            format!(
                "{}: {} → {} (≤ {})",
                l.label,
                number(l.before),
                number(l.after),
                number(l.threshold)
            )
        })
        .collect();
    picture(size, title, &description.join("; "), |area| {
        for (value, word) in
            [(1e-4, "0.0001"), (1e-3, "0.001"), (1e-2, "0.01"), (1e-1, "0.1"), (1.0, "1")]
        {
            let x = x_of(value);
            line(area, vec![(x, 22), (x, size.1 - 4)], LINE, 1);
            let h = if value < 1e-3 { HPos::Left } else { HPos::Center };
            text(area, word, (x, 11), 11, SOFT, h);
        }
        text(area, heads, (wide, 11), 11, SOFT, HPos::Right);
        for (index, l) in lines.iter().enumerate() {
            let top = 26 + index as i32 * BAND;
            let y = top + 23;
            let label = clip(&l.label, 11, right - left - 8);
            let under = ((left, top), (left + width(&label, 11) + 4, top + 14));
            rectangle(area, under.0, under.1, WHITE.filled());
            text(area, &label, (left, top + 7), 11, SOFT, HPos::Left);
            line(area, vec![(left, y), (right, y)], TRACK, 3);
            if let (Some(before), Some(after)) = (l.before, l.after) {
                line(area, vec![(x_of(before), y), (x_of(after), y)], GREY, 2);
            }
            if let Some(threshold) = l.threshold {
                let x = x_of(threshold);
                line(area, vec![(x, y - 9), (x, y + 9)], RED, 3);
            }
            if let Some(before) = l.before {
                let _ = area.draw(&Circle::new((x_of(before), y), 5, WHITE.filled()));
                let _ = area.draw(&Circle::new((x_of(before), y), 5, GREY.stroke_width(2)));
            }
            if let Some(after) = l.after {
                let _ = area.draw(&Circle::new((x_of(after), y), 5, GREEN.filled()));
            }
            text(area, &l.text, (wide, y), 12, INK, HPos::Right);
        }
    })
}

/// The search's curve.
#[must_use]
pub fn tradeoff(title: &str, curve: &Tradeoff, lang: Lang) -> Figure {
    let (wide, tall) = (720, 280);
    let finite: Vec<&super::facts::Point> =
        curve.points.iter().filter(|p| p.x.is_finite() && p.y.is_finite()).collect();
    let description: Vec<String> = finite
        .iter()
        .map(|p| {
            let taken = if p.chosen { format!(" ({})", lang.t("chosen")) } else { String::new() };
            format!("{} {:.3}{taken}", p.x, p.y)
        })
        .collect();
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low < high { (low, high) } else { (low - 0.5, low + 0.5) }
    };
    let (x0, x1) = ends(&mut finite.iter().map(|p| p.x));
    let (y0, y1) = ends(&mut finite.iter().map(|p| p.y));
    let pad = (y1 - y0) * 0.08;
    picture((wide, tall), title, &description.join("; "), |area| {
        if finite.is_empty() {
            return;
        }
        let chart = ChartBuilder::on(area)
            .margin(10)
            .x_label_area_size(42)
            .y_label_area_size(58)
            .build_cartesian_2d(x0..x1, (y0 - pad)..(y1 + pad));
        let Ok(mut chart) = chart else { return };
        let _ = chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(LINE)
            .axis_style(SOFT)
            .x_desc(lang.of(&curve.across))
            .y_desc(lang.of(&curve.up))
            .label_style(("sans-serif", 13).into_font().color(&INK))
            .draw();
        // The line joins what nothing beats in both; other points stand alone.
        let mut best: Vec<(f64, f64)> = finite.iter().map(|p| (p.x, p.y)).collect();
        best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut least = f64::INFINITY;
        best.retain(|&(_, y)| {
            let better = y < least;
            least = least.min(y);
            better
        });
        let _ = chart.draw_series(LineSeries::new(best, BLUE.stroke_width(2)));
        let _ = chart.draw_series(
            finite
                .iter()
                .filter(|p| !p.chosen)
                .map(|p| Circle::new((p.x, p.y), 4, BLUE.stroke_width(2))),
        );
        for point in finite.iter().filter(|p| p.chosen) {
            let _ = chart.draw_series(std::iter::once(
                EmptyElement::at((point.x, point.y))
                    + Rectangle::new([(-6, -6), (6, 6)], GREEN.filled())
                    + Text::new(
                        lang.t("chosen").into_owned(),
                        (10, -12),
                        ("sans-serif", 14).into_font().color(&INK),
                    ),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_picture() {
        let table = BarTable {
            title: "<script>\"&".to_owned(),
            heads: vec!["</svg><b>".to_owned()],
            rows: vec![(
                "<img onerror=x>&\u{1b}".to_owned(),
                vec![Some(BarCell {
                    length: 0.5,
                    text: "<10".to_owned(),
                    hollow: true,
                    colour: BLUE,
                })],
            )],
            label_width: 150,
            widths: vec![200],
            ..BarTable::default()
        };
        let svg = table.draw().svg;
        for bad in ["<script", "<img", "</svg><b>", "<10", "\u{1b}"] {
            assert!(!svg.contains(bad), "{bad}: {svg}");
        }
        assert!(svg.starts_with("<svg role=\"img\"") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("<title>") && svg.contains("<desc>"));
    }

    #[test]
    fn long_labels_are_clipped() {
        let clipped = clip("とても長いラベルはここで切られる", 12, 100);
        assert!(clipped.ends_with('…') && width(&clipped, 12) <= 112, "{clipped}");
        assert_eq!(clip("short", 12, 100), "short");
    }
}
