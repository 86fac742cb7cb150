/// A first-in, first-out queue.
struct FIFOQueue<Element>: Sequence {
    private var elements: [Element] = []
    private var first = 0

    var count: Int { elements.count - first }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func removeFirst() -> Element? {
        guard first < elements.count else { return nil }
        defer { compact() }
        first += 1
        return elements[first - 1]
    }

    private mutating func compact() {
        if first == elements.count {
            elements.removeAll(keepingCapacity: true)
            first = 0
        } else if first >= 64, first * 2 >= elements.count {
            elements.removeFirst(first)
            first = 0
        }
    }

    func makeIterator() -> ArraySlice<Element>.Iterator {
        elements[first...].makeIterator()
    }
}
