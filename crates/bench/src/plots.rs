//! The plots of `docs/performance.md`.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::figures::{Figures, Measured};
use crate::growth::Grown;
use crate::posts::{self, SHAPES};

const SIZE: (u32, u32) = (900, 420);
const COLOURS: [RGBColor; 6] = [
    RGBColor(120, 120, 120),
    RGBColor(31, 119, 180),
    RGBColor(148, 190, 220),
    RGBColor(200, 160, 60),
    RGBColor(44, 140, 80),
    RGBColor(190, 70, 60),
];

/// A bar for each of these in every shape: who, new or again, by how many clients.
pub struct Bars<'a> {
    /// Its name in the legend.
    pub label: &'a str,
    /// Who is measured.
    pub who: &'a str,
    /// Whether bodies are posted again.
    pub again: bool,
    /// How many clients.
    pub clients: usize,
}

/// Draws processor time a message, a group of bars for each shape.
pub fn cpu(path: &Path, title: &str, bars: &[Bars<'_>], measured: &Measured) -> Result<()> {
    let find = |bars: &Bars<'_>, shape| -> Option<&Figures> {
        let what = if bars.again {
            posts::again(shape)
        } else {
            posts::new(shape)
        };
        measured.find(bars.who, &what, bars.clients)
    };
    let all = SHAPES
        .iter()
        .flat_map(|(shape, _)| bars.iter().map(|bars| find(bars, *shape)));
    let top = all.flatten().map(|row| row.cpu).fold(0.0, f64::max) * 1.1;
    let area = white(path)?;
    let groups = SHAPES.len() as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..groups, (1.0..top).log_scale())
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(2 * SHAPES.len() + 1)
        .x_label_formatter(&|x| {
            let middle = (x.fract() - 0.5).abs() < 0.01;
            let shape = SHAPES.get(*x as usize).filter(|_| middle);
            shape.map_or(String::new(), |(shape, _)| shape.to_string())
        })
        .y_desc("CPU µs a message, logarithmic")
        .draw()
        .map_err(failed)?;
    let width = 0.8 / bars.len() as f64;
    for ((number, bar), colour) in bars.iter().enumerate().zip(COLOURS) {
        let rectangles = SHAPES.iter().enumerate().filter_map(|(group, (shape, _))| {
            let left = group as f64 + 0.1 + width * number as f64;
            let row = find(bar, *shape)?;
            Some(Rectangle::new(
                [(left, 1.0), (left + width * 0.9, row.cpu)],
                colour.filled(),
            ))
        });
        chart
            .draw_series(rectangles)
            .map_err(failed)?
            .label(bar.label)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.2))
        .draw()
        .map_err(failed)?;
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
    let area = white(path)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "A message in a growing store (10×10 new, 8 clients)",
            ("sans-serif", 20),
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
    let colour = COLOURS[1];
    chart
        .draw_series(LineSeries::new(points, colour.stroke_width(2)).point_size(4))
        .map_err(failed)?;
    area.present().map_err(failed)
}

fn white(path: &Path) -> Result<DrawingArea<SVGBackend<'_>, Shift>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    Ok(area)
}

/// The errors of plots borrow what they are about.
fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the plot cannot be drawn: {error}")
}
