//! Curves over the number of entries, both axes logarithmic, each curve
//! relative to its first point: what does not grow is a flat line at 1.

use std::fmt::Write;

/// A figure at each size.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curve {
    pub(crate) fn new(name: &'static str) -> Curve {
        Curve {
            name,
            points: Vec::new(),
        }
    }
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 290.0;
const EDGE: f64 = 30.0;

const COLOURS: [&str; 12] = [
    "#0b6e99", "#b3471b", "#3c7a2a", "#7b3fa0", "#9a7400", "#444444", "#c2185b", "#1a9988",
    "#e0762f", "#5566cc", "#8a8a2a", "#a05070",
];

/// The plot as an SVG document.
pub(crate) fn plot(curves: &[Curve]) -> String {
    let sizes = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|(x, _)| *x);
    let (least, most) = sizes.fold((f64::MAX, 1.0), |(low, high): (f64, f64), x| {
        (low.min(x), high.max(x))
    });
    let across = (most / least).log10().max(1.0);
    let x = |size: f64| LEFT + (size / least).log10() / across * (WIDTH - LEFT - RIGHT);
    // From a tenth to a hundred times the first point.
    let y = |factor: f64| {
        let share = (factor.clamp(0.1, 100.0).log10() + 1.0) / 3.0;
        HEIGHT - EDGE - share * (HEIGHT - 2.0 * EDGE)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    // Writing to a string does not fail; so below.
    for factor in [0.1, 1.0, 10.0, 100.0] {
        let (at, end) = (y(factor), WIDTH - RIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ccc\"/><text x=\"8\" y=\"{at:.1}\">×{factor}</text>"
        );
    }
    if let Some(first) = curves.first() {
        for (size, _) in &first.points {
            let (at, below) = (x(*size), HEIGHT - 8.0);
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{size}</text>"
            );
        }
    }
    for (number, (curve, colour)) in curves.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let base = curve.points.first().map_or(1.0, |(_, value)| *value);
        let line: Vec<_> = curve
            .points
            .iter()
            .map(|(size, value)| format!("{:.1},{:.1}", x(*size), y(value / base)))
            .collect();
        let (left, top) = (WIDTH - RIGHT + 20.0, EDGE + 20.0 * number as f64);
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{left}\" y=\"{top}\" fill=\"{colour}\">{}</text>",
            line.join(" "),
            curve.name
        );
    }
    svg.push_str("</svg>\n");
    svg
}
