// Times in their one spelling, `2026-03-01T10:00:00[.ffffff]+00:00`. So spelt
// they compare as texts: `+` stands before `.`.

const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{6})?\+00:00$/;

export function isTime(value) {
  const parts = typeof value === "string" ? SHAPE.exec(value) : null;
  if (!parts || parts[1] === "0000" || parts[7] === ".000000") {
    return undefined;
  }
  // What is not a date, as the 30th of February, comes back as another one.
  const seconds = value.slice(0, 19);
  const date = new Date(`${seconds}Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds
    ? value
    : undefined;
}

const LOOSE = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,6})0*)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))?$/;

// A time as an entry of a logbook may spell it, in its one spelling (format rule T2).
export function anyTime(value) {
  const [whole, day, clock, fraction = "", sign, hours, minutes] = (typeof value === "string" && LOOSE.exec(value)) || [];
  if (whole === undefined || isTime(`${day}T${clock}+00:00`) === undefined) {
    return undefined;
  }
  const offset = sign ? Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) : 0;
  const moment = new Date(Date.parse(`${day}T${clock}Z`) - offset * 60_000);
  const micros = fraction.padEnd(6, "0");
  return isTime(`${moment.toISOString().slice(0, 19)}${micros === "000000" ? "" : `.${micros}`}+00:00`);
}

export function isHourStart(time) {
  return time.endsWith(":00:00+00:00");
}

// Whether `time` lies in the hour that begins at `hour`.
export function isWithinHour(time, hour) {
  return time.slice(0, 13) === hour.slice(0, 13);
}

// Milliseconds, for plots, with what there is of a fraction.
export function toMillis(time) {
  const fraction = /^\.\d+/.exec(time.slice(19))?.[0] ?? "0";
  return Date.parse(`${time.slice(0, 19)}Z`) + 1000 * Number(fraction);
}

// As people read it: date and time to the second, UTC.
export function shortTime(time) {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}
