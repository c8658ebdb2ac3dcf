//! Text that is safe inside HTML and SVG.

use std::fmt;

/// Displays as itself, read as text.
pub struct Text<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => write!(f, "{letter}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_gets_through() {
        assert_eq!(
            Text("Mutex<VecDeque> & \"it\"").to_string(),
            "Mutex&lt;VecDeque&gt; &amp; &quot;it&quot;"
        );
    }
}
