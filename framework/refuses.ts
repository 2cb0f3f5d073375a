// Test support: a call must throw, and its message must say what is expected. (uvu's own `throws` takes a string for the title of the failure.)

/** Throws an Error unless `run` throws one whose message holds `message`, or matches it. */
export function refuses(run: () => unknown, message: string | RegExp): void {
  const said = messageOf(run);
  if (said === undefined) throw new Error(`nothing was thrown; expected an error that says: ${message}`);
  const fits = typeof message === 'string' ? said.includes(message) : message.test(said);
  if (!fits) throw new Error(`expected an error that says: ${message}\nbut it says: ${said}`);
}

function messageOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The error that a promise was rejected with, as `TypeError: message`. */
export const rejection = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was not rejected',
    (error: Error) => `${error.constructor.name}: ${error.message}`,
  );
