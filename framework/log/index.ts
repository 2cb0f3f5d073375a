// What `tilebench/framework` exports as `log`.

export { type Histogram, histogramOf } from './histogram.ts';
export { type Content, type Entry, type Image, Log, type LogOptions, type LogWriter } from './log.ts';
export { type LogFormat, type OpenLogOptions, open } from './open.ts';
export { type ByteSink, csvWriter, eventWriter } from './writers.ts';
