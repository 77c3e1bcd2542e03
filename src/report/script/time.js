// Times in their one spelling, `2026-03-01T10:00:00[.ffffff]+00:00`. So spelt
// they compare as texts: `+` stands before `.`.

const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{6})?\+00:00$/;

export function isTime(value) {
  const parts = typeof value === "string" ? SHAPE.exec(value) : null;
  if (!parts || parts[1] === "0000" || parts[7] === ".000000") {
    return undefined;
  }
  // What is no date, as the 30th of February, comes back as another one.
  const seconds = value.slice(0, 19);
  const date = new Date(`${seconds}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds
    ? value
    : undefined;
}

export function isHourStart(time) {
  return time.endsWith(":00:00+00:00");
}

// Whether `time` lies in the hour that begins at `hour`.
export function isWithinHour(time, hour) {
  return time.slice(0, 13) === hour.slice(0, 13);
}

// Milliseconds, for plots; the micro seconds are lost.
export function toMillis(time) {
  return Date.parse(`${time.slice(0, 19)}Z`);
}

// As people read it: date and time to the second, UTC.
export function shortTime(time) {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}
