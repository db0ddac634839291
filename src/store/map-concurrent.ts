/** Requests to one store under way at once. */
const AT_ONCE = 8;

/** Acts on every item, several at a time; results are in the items' order. After the first failure nothing new begins. */
export async function mapConcurrent<T, R>(items: T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()].reverse();
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [index, item] = next;
      try {
        results[index] = await act(item);
      } catch (error) {
        left.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
