//! The plots of `docs/performance.md`.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figures::Spread;
use crate::growth::Grown;

const WIDTH: u32 = 960;
/// Room for the longest label, in pixels.
const LABELS: u32 = 330;
const SERVER: RGBColor = RGBColor(31, 119, 180);
const BOUND: RGBColor = RGBColor(190, 70, 60);
const FONT: &str = "sans-serif";

/// What somebody takes beside a floor: a line of a plot.
pub struct Line {
    /// Who does what, in words.
    pub label: String,
    /// How many times what the floor takes.
    pub ratio: Spread,
    /// What has to be reached, if anything has.
    pub bound: Option<f64>,
}

impl Line {
    /// How far right it reaches, with its bound.
    fn end(&self) -> f64 {
        self.bound.unwrap_or_default().max(self.ratio.greatest)
    }

    /// The run in the middle, and the bound beside it: by itself it would pass for the bound's value,
    /// whose mark may be nearer than the dot.
    fn figure(&self) -> String {
        let middle = self.ratio.middle;
        self.bound.map_or(format!("{middle:.2}"), |bound| {
            format!("{middle:.2}, at most {bound:.2}")
        })
    }
}

/// Draws ratios to a floor: a dot for the run in the middle, a line from the least run to the greatest, and
/// a mark for the bound, which is told beside the figure. The axis is logarithmic, so that twice as much is
/// as far everywhere.
pub fn ratios(path: &Path, title: &str, axis: &str, lines: &[Line]) -> Result<()> {
    let Some(last) = lines.len().checked_sub(1) else {
        return Ok(());
    };
    // Room for the figure behind the last dot.
    let right = lines.iter().map(Line::end).fold(2.0, f64::max) * 1.8;
    let height = 110 + 24 * u32::try_from(lines.len())?;
    let area = white(path, height)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, (FONT, 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(LABELS)
        .build_cartesian_2d((0.8..right).log_scale(), (0..last).into_segmented())
        .map_err(failed)?;
    // The first line is the topmost.
    let row = |index: usize| SegmentValue::CenterOf(last - index);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(axis)
        .x_label_formatter(&tick)
        .y_labels(lines.len())
        .y_label_formatter(&|position| match position {
            SegmentValue::CenterOf(position) => last
                .checked_sub(*position)
                .and_then(|index| lines.get(index))
                .map_or(String::new(), |line| line.label.clone()),
            _ => String::new(),
        })
        .label_style((FONT, 14))
        .draw()
        .map_err(failed)?;
    for (index, line) in lines.iter().enumerate() {
        let Spread {
            least,
            middle,
            greatest,
        } = line.ratio;
        let ends = vec![(least, row(index)), (greatest, row(index))];
        let spread = PathElement::new(ends, SERVER.stroke_width(2));
        let dot = Circle::new((middle, row(index)), 4, SERVER.filled());
        let figure = Text::new(
            line.figure(),
            (line.end() * 1.05, row(index)),
            TextStyle::from((FONT, 13).into_font()).pos(Pos::new(HPos::Left, VPos::Center)),
        );
        let bound = line.bound.map(|bound| {
            EmptyElement::at((bound, row(index)))
                + PathElement::new(vec![(0, -9), (0, 9)], BOUND.stroke_width(2))
        });
        chart.draw_series([spread]).map_err(failed)?;
        chart.draw_series([dot]).map_err(failed)?;
        chart.draw_series([figure]).map_err(failed)?;
        chart.draw_series(bound).map_err(failed)?;
    }
    area.present().map_err(failed)
}

/// Draws processor time a message against the messages in the store.
pub fn growth(path: &Path, grown: &[Grown]) -> Result<()> {
    let top = grown
        .iter()
        .map(|step| step.figures.cpu)
        .fold(0.0, f64::max)
        * 1.2;
    let most = grown.last().map_or(1.0, |last| last.messages as f64 / 1e6);
    let area = white(path, 420)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "A message in a growing store (10×10 new, 8 clients)",
            (FONT, 20),
        )
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most, 0.0..top)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("million messages in the store")
        .y_desc("CPU µs a message")
        .draw()
        .map_err(failed)?;
    let points = grown
        .iter()
        .map(|step| (step.messages as f64 / 1e6, step.figures.cpu));
    chart
        .draw_series(LineSeries::new(points, SERVER.stroke_width(2)).point_size(4))
        .map_err(failed)?;
    area.present().map_err(failed)
}

/// A ratio at the axis: 1, 2, 5, 10 and so on, as the others would run into each other.
fn tick(ratio: &f64) -> String {
    let digits = format!("{ratio:.0}");
    let is_round = ["1", "2", "5"].contains(&digits.trim_end_matches('0'));
    if is_round {
        format!("{digits}×")
    } else {
        String::new()
    }
}

fn white(path: &Path, height: u32) -> Result<DrawingArea<SVGBackend<'_>, Shift>> {
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    Ok(area)
}

/// The errors of plots borrow what they are about.
fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the plot cannot be drawn: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_name_and_figure_and_no_bar() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.svg");
        let line = |label: &str, runs: [f64; 3], bound| Line {
            label: label.to_owned(),
            ratio: Spread::of(runs.to_vec()).unwrap(),
            bound,
        };
        let lines = [
            line("10×10 new, Convosync", [1.55, 1.61, 1.84], Some(1.8)),
            line("10×10 new, PocketBase", [140.0, 142.9, 150.0], None),
        ];
        ratios(&path, "Posting", "times the floor", &lines).unwrap();
        let svg = std::fs::read_to_string(path).unwrap();
        for text in [
            "10×10 new, Convosync",
            "10×10 new, PocketBase",
            "1.61, at most 1.80",
            "142.90",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert_eq!(svg.matches("<circle").count(), 2, "a dot a line");
        assert_eq!(svg.matches("<rect").count(), 1, "the background");
    }
}
