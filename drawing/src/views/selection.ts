/** Which trial of a search is looked at and which is picked, for all views of the same search. */
export class Selection {
  looked: number | null = null;
  picked: number | null = null;
  readonly #heard = new Set<() => void>();

  /** Calls `listener` after each change; returns what ends that. */
  on(listener: () => void): () => void {
    this.#heard.add(listener);
    return () => this.#heard.delete(listener);
  }

  look(number: number | null): void {
    if (number === this.looked) return;
    this.looked = number;
    this.#tell();
  }

  pick(number: number | null): void {
    this.looked = number;
    this.picked = number;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#heard]) listener();
  }
}
