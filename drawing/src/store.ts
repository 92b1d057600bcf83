/** A value that several views share: who listens is told of each change. */
export interface Store<Value> {
  readonly value: Value;
  set(value: Value): void;
  /** Calls `listener` at each change; returns what ends that. */
  listen(listener: (value: Value) => void): () => void;
}

export function store<Value>(initial: Value): Store<Value> {
  let value = initial;
  const listeners = new Set<(value: Value) => void>();
  return {
    get value() {
      return value;
    },
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(next);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
