//! The rows and the curves as a picture.

use std::fmt::Write as _;

use super::curve::Curve;
use super::row::{Row, Verdict, digits};

/// An SVG of all rows that have a goal, on a logarithmic scale on which 1 is the demand, and of the
/// curves below them.
pub(super) fn svg(rows: &[Row], curves: &[Curve]) -> String {
    let rows: Vec<_> = rows.iter().filter(|row| row.of_demand().is_some()).collect();
    let bars = HEAD + LINE * rows.len() as f64 + 30.0;
    let height = bars + if curves.is_empty() { 0.0 } else { PANEL_HEIGHT + 70.0 };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    if !rows.is_empty() {
        scale(&mut svg, bars - 30.0);
    }
    for (index, row) in rows.iter().enumerate() {
        bar(&mut svg, row, HEAD + LINE * index as f64);
    }
    let width = WIDTH / curves.len().max(1) as f64;
    for (index, curve) in curves.iter().enumerate() {
        panel(&mut svg, curve, width * index as f64 + 50.0, bars + 40.0, width - 75.0);
    }
    svg.push_str("</svg>\n");
    svg
}

fn scale(svg: &mut String, bottom: f64) {
    text(svg, (BARS, 16.0), "start", "median as a multiple of its demand; | is the stretch goal");
    for mark in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0] {
        let color = if mark == 1.0 { "#333" } else { "#ddd" };
        line(svg, (place(mark), 36.0), (place(mark), bottom), color);
        text(svg, (place(mark), 32.0), "middle", &mark.to_string());
    }
}

fn bar(svg: &mut String, row: &Row, top: f64) {
    let Some(factor) = row.of_demand() else { return };
    let color = match row.verdict() {
        Verdict::Stretch => "#2a9d5c",
        Verdict::Met => "#4a90c2",
        Verdict::BestOnly | Verdict::NotMet | Verdict::NoGoal => "#c8503c",
    };
    let middle = top + LINE * 0.65;
    let name = match row.against.as_str() {
        "" => row.what.clone(),
        against => format!("{} : {against}", row.what),
    };
    text(svg, (BARS - 8.0, middle), "end", &shortened(&name.replace('`', "")));
    let (start, end) = (place(1.0), place(factor));
    let _to_memory = writeln!(
        svg,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{color}\"/>",
        start.min(end),
        top + 3.0,
        (end - start).abs().max(1.0),
        LINE - 6.0
    );
    if let Some(stretch) = row.stretch_of_demand() {
        let at = place(stretch);
        line(svg, (at, top + 1.0), (at, top + LINE - 1.0), "#000");
    }
    let (_, median) = row.shown();
    text(svg, (WIDTH - 8.0, middle), "end", &median);
}

/// A curve of rates, and one of costs on a scale of its own.
fn panel(svg: &mut String, curve: &Curve, left: f64, top: f64, width: f64) {
    let bottom = top + PANEL_HEIGHT - 40.0;
    line(svg, (left, bottom), (left + width, bottom), "#333");
    line(svg, (left, top), (left, bottom), "#333");
    text(svg, (left + width / 2.0, bottom + 34.0), "middle", &curve.against);
    let steps = curve.points.len().saturating_sub(1).max(1) as f64;
    let x = |index: usize| left + 14.0 + (width - 28.0) * index as f64 / steps;
    for (index, point) in curve.points.iter().enumerate() {
        text(svg, (x(index), bottom + 16.0), "middle", &point.at);
    }
    let rates: Vec<f64> = curve.points.iter().map(|point| point.rate).collect();
    let costs: Vec<f64> = curve.points.iter().map(|point| point.cost).collect();
    for (values, color, name, at) in
        [(rates, "#4a90c2", "GB/s", 0.0), (costs, "#b07020", "CPU ns/byte", 60.0)]
    {
        let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.15;
        let y = |value: f64| bottom - (bottom - top) * value / most;
        let mut path = String::new();
        for (index, value) in values.iter().enumerate() {
            let _to_memory = write!(path, "{:.1},{:.1} ", x(index), y(*value));
            text_in(svg, (x(index), y(*value) - 5.0), "middle", color, &digits(*value));
        }
        let _to_memory = writeln!(
            svg,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
        );
        text_in(svg, (left + at, top - 12.0), "start", color, name);
    }
}

/// Where a multiple of the demand lies.
fn place(factor: f64) -> f64 {
    let (least, most) = (0.2_f64.log2(), 24_f64.log2());
    let share = (factor.log2() - least) / (most - least);
    BARS + (WIDTH - 90.0 - BARS) * share.clamp(0.0, 1.0)
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), color: &str) {
    let _to_memory =
        writeln!(svg, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{color}\"/>");
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, text: &str) {
    text_in(svg, at, anchor, "#222", text);
}

fn text_in(svg: &mut String, (x, y): (f64, f64), anchor: &str, color: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _to_memory = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{color}\">{text}</text>"
    );
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}...", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

const WIDTH: f64 = 1200.0;
/// Where the bars begin.
const BARS: f64 = 700.0;
const HEAD: f64 = 40.0;
const LINE: f64 = 20.0;
const PANEL_HEIGHT: f64 = 240.0;
/// What fits before the bars.
const MOST_CHARACTERS: usize = 96;

#[cfg(test)]
mod tests {
    use super::super::curve::Point;
    use super::super::rounds::Figures;
    use super::super::row::Goal;
    use super::*;

    #[test]
    fn every_row_with_a_goal_has_a_bar_and_every_curve_its_points() {
        let goal = Goal::AtLeast { demand: 1.0, stretch: 2.0 };
        let row = |what: &str, goal| Row {
            what: what.to_owned(),
            against: "cp & more".to_owned(),
            figures: Figures::lowest(vec![1.5]),
            goal,
            rates: String::new(),
        };
        let point = |at: &str| Point { at: at.to_owned(), rate: 2.0, cost: 0.5, memory: None };
        let curve = Curve {
            what: String::new(),
            against: "threads".to_owned(),
            points: vec![point("1"), point("2")],
        };
        let svg = svg(&[row("measured", goal), row("other", Goal::None)], &[curve]);
        assert!(svg.contains("measured : cp &amp; more") && !svg.contains("other"));
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn the_scale_ends_where_the_picture_does() {
        assert!(place(1e-9) >= BARS && place(1e9) <= WIDTH);
        assert!(place(1.0) < place(1.2));
    }
}
