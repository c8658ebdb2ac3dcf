//! The page.

mod losses;
mod machine;
mod tables;

use std::fmt::Write;

use super::charts;
use super::html::Text;
use crate::group::Group;
use crate::results::Results;

/// One page that needs nothing but itself.
pub fn page(results: &Results) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mpsc_ring and its peers</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n\
         <h1>mpsc_ring and its peers</h1>\n",
        include_str!("style.css")
    );
    html += &machine::machine(results);
    html += &machine::score(results);
    let groups: Vec<_> = Group::ALL
        .into_iter()
        .filter(|group| *group != Group::Calibration)
        .map(|group| (group, charts::of(results, group)))
        .filter(|(_, charts)| !charts.is_empty())
        .collect();
    html += "<nav><a href=\"#losses\">Where we lose</a>";
    for (group, _) in &groups {
        let _ = write!(html, "<a href=\"#{group:?}\">{}</a>", group.title());
    }
    html += "</nav>\n";
    html += &losses::where_we_lose(results);
    for (group, charts) in groups {
        let _ = write!(
            html,
            "<section id=\"{group:?}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"charts\">\n",
            group.title(),
            Text(group.about())
        );
        for chart in charts {
            let _ = writeln!(
                html,
                "<figure><figcaption><b>{}</b><small>{}</small>{}</figcaption><div class=\"wide\">{}</div>{}</figure>",
                Text(&chart.title),
                Text(&chart.note),
                machine::warning(chart.warning),
                chart.svg,
                chart.legend
            );
        }
        html += "</div>\n";
        if group == Group::OneCpu {
            html += &tables::one_to_all(results);
        }
        let tables: String = results.of(group).map(tables::table).collect();
        if !tables.is_empty() {
            let _ = write!(html, "<details><summary>All figures</summary>\n{tables}</details>\n");
        }
        html += "</section>\n";
    }
    html + "</main>\n</body>\n</html>\n"
}
