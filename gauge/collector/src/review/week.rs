//! ISO weeks: Monday to Sunday in UTC, where week 1 contains the year's first Thursday.

use std::fmt;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use serde::{Serialize, Serializer};

const NS_PER_DAY: i64 = 86_400_000_000_000;
const DAYS_PER_WEEK: i64 = 7;
/// 1970-01-01 was a Thursday: the Monday of its week is three days earlier.
const EPOCH_DAYS_SINCE_MONDAY: i64 = 3;

/// A week, as the number of weeks since that of 1970-01-01.
///
/// A plain count, so that the previous week is one less in every year. Year and number are computed for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(i64);

impl Week {
    /// Returns the week of a time in Unix nanoseconds.
    pub fn of(unix_ns: i64) -> Self {
        Self((unix_ns.div_euclid(NS_PER_DAY) + EPOCH_DAYS_SINCE_MONDAY).div_euclid(DAYS_PER_WEEK))
    }

    /// Returns the week of an ISO year and number; `None` if it does not exist.
    pub fn numbered(year: i16, number: i8) -> Option<Self> {
        let monday = ISOWeekDate::new(year, number, Weekday::Monday).ok()?.date();
        let at = Offset::UTC.to_timestamp(monday.at(0, 0, 0, 0)).ok()?.as_nanosecond();
        i64::try_from(at).ok().map(Self::of)
    }

    /// Returns the week that is this many weeks later.
    pub fn plus(self, weeks: i64) -> Self {
        Self(self.0.saturating_add(weeks))
    }

    /// Returns the number of weeks since an earlier one.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns its first nanosecond.
    pub fn start_ns(self) -> i64 {
        let days = self.0.saturating_mul(DAYS_PER_WEEK).saturating_sub(EPOCH_DAYS_SINCE_MONDAY);
        days.saturating_mul(NS_PER_DAY)
    }

    /// Returns its Monday.
    pub fn monday(self) -> Date {
        date(self.start_ns())
    }

    /// Returns its Sunday.
    pub fn sunday(self) -> Date {
        self.monday().saturating_add(6.days())
    }

    /// Returns year and number, as in `2026-W24`.
    fn name(self) -> String {
        let week = self.monday().iso_week_date();
        format!("{}-W{:02}", week.year(), week.week())
    }

    /// Returns the number alone, as in `W24`, for axes.
    pub fn short(self) -> String {
        format!("W{:02}", self.monday().iso_week_date().week())
    }
}

impl fmt::Display for Week {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.name())
    }
}

impl Serialize for Week {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Formats a time to the second.
pub fn moment(unix_ns: i64) -> String {
    let second = Timestamp::from_second(unix_ns.div_euclid(1_000_000_000)).unwrap_or(Timestamp::UNIX_EPOCH);
    second.to_string()
}

/// Returns the day of a time.
pub fn date(unix_ns: i64) -> Date {
    let at = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(at).date()
}

#[cfg(test)]
mod tests;
