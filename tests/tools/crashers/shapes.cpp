// SPDX-License-Identifier: GPL-2.0-or-later
// C++ that crashes: templates, namespaces, a lambda, virtual functions, exceptions that nobody
// takes.
// "@name" in a comment marks the line that a test expects.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

#define NOINLINE   __attribute__((noinline))
#define AFTERWARDS __asm__ volatile("" ::: "memory")

namespace shapes
{

template <typename T, int N> struct Box {
	T value[N];
	NOINLINE void fill(const T &with)
	{
		volatile int *nowhere = reinterpret_cast<volatile int *>(8);
		*nowhere = static_cast<int>(sizeof with); /* @fill */
		AFTERWARDS;
	}
};

class Shape
{
      public:
	virtual ~Shape() = default;
	virtual void draw(const std::string &name) = 0;
};

class Circle : public Shape
{
      public:
	NOINLINE void draw(const std::string &name) override
	{
		Box<std::string, 3> box;
		box.fill(name); /* @draw */
		AFTERWARDS;
	}
};

namespace
{
NOINLINE void throw_up(int n)
{
	if (n > 0)
		throw std::runtime_error("nobody takes it"); /* @throw_up */
	AFTERWARDS;
}
} // namespace

NOINLINE void call(const std::function<void(int)> &what)
{
	what(7); /* @call */
	AFTERWARDS;
}

NOINLINE void never_throws(int n) noexcept
{
	throw_up(n); /* @never_throws */
	AFTERWARDS;
}

} // namespace shapes

int main(int argc, char **argv)
{
	const std::string way = argc > 1 ? argv[1] : "";
	shapes::Circle circle;
	shapes::Shape *shape = &circle;

	if (way == "virtual")
		shape->draw("x"); /* @main_virtual */
	if (way == "throw")
		shapes::throw_up(argc); /* @main_throw */
	if (way == "noexcept")
		shapes::never_throws(argc); /* @main_noexcept */
	if (way == "lambda")
		shapes::call([&](int n) {    /* @main_lambda */
			shapes::throw_up(n); /* @lambda */
			AFTERWARDS;
		});
	return 99;
}
