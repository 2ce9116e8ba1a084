//! ISO weeks: Monday to Sunday in UTC, counted so that week 1 holds the year's first Thursday.

use std::fmt;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use serde::{Serialize, Serializer};

const NS_PER_DAY: i64 = 86_400_000_000_000;
const DAYS_PER_WEEK: i64 = 7;
/// 1970-01-01 was a Thursday: the Monday of its week is three days earlier.
const EPOCH_DAYS_SINCE_MONDAY: i64 = 3;

/// A week, as how many weeks its Monday is after that of the week of 1970-01-01.
///
/// A plain count, so that the week before is one less in every year; the year and number are worked out to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(i64);

impl Week {
    /// The week of a moment in unix nanoseconds.
    pub fn of(unix_ns: i64) -> Self {
        Self((unix_ns.div_euclid(NS_PER_DAY) + EPOCH_DAYS_SINCE_MONDAY).div_euclid(DAYS_PER_WEEK))
    }

    /// The week by its ISO year and number.
    pub fn numbered(year: i16, number: i8) -> Option<Self> {
        let monday = ISOWeekDate::new(year, number, Weekday::Monday).ok()?.date();
        let at = Offset::UTC.to_timestamp(monday.at(0, 0, 0, 0)).ok()?.as_nanosecond();
        i64::try_from(at).ok().map(Self::of)
    }

    /// The week that is this many later.
    pub fn plus(self, weeks: i64) -> Self {
        Self(self.0.saturating_add(weeks))
    }

    /// How many weeks it is later than another one.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Its first nanosecond.
    pub fn start_ns(self) -> i64 {
        let days = self.0.saturating_mul(DAYS_PER_WEEK).saturating_sub(EPOCH_DAYS_SINCE_MONDAY);
        days.saturating_mul(NS_PER_DAY)
    }

    /// Its Monday.
    pub fn monday(self) -> Date {
        date(self.start_ns())
    }

    /// Its Sunday.
    pub fn sunday(self) -> Date {
        self.monday().saturating_add(6.days())
    }

    /// Year and number, as in `2026-W24`.
    fn name(self) -> String {
        let week = self.monday().iso_week_date();
        format!("{}-W{:02}", week.year(), week.week())
    }

    /// The number alone, as in `W24`: for axes.
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

/// A moment as people and machines read it, to the second.
pub fn moment(unix_ns: i64) -> String {
    let second = Timestamp::from_second(unix_ns.div_euclid(1_000_000_000)).unwrap_or(Timestamp::UNIX_EPOCH);
    second.to_string()
}

/// The day of a moment.
pub fn date(unix_ns: i64) -> Date {
    let at = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(at).date()
}

#[cfg(test)]
mod tests;
