/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C++: templates, lambdas, exceptions that nobody catches, what the library puts in between. */
#include "fall.h"
#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{
template <typename T> struct Box {
	T value;
	NOINLINE void open(T by)
	{
		value = by;
		FALL();
		STAY();
	}
	NOINLINE void close(T by)
	{
		value = by;
		FALL();
		STAY();
	}
};

template <typename T> NOINLINE void use(T by)
{
	Box<T> box{};
	box.open(by);
	STAY();
}

template <typename T> NOINLINE void use_other(T by)
{
	Box<T> box{};
	box.close(by);
	STAY();
}

struct Shape {
	virtual ~Shape() = default;
	virtual void draw() = 0;
};
struct Round : Shape {
	NOINLINE void draw() override
	{
		FALL();
		STAY();
	}
};
struct Square : Shape {
	NOINLINE void draw() override
	{
		FALL();
		STAY();
	}
};

NOINLINE void draw(Shape &shape)
{
	shape.draw();
	STAY();
}

NOINLINE void fail(const char *why)
{
	throw std::runtime_error(why);
}

NOINLINE void fail_elsewhere(const char *why)
{
	throw std::runtime_error(why);
}

NOINLINE void fail_deeper(const char *why) noexcept
{
	fail(why);
	STAY();
}

NOINLINE int pick(std::vector<int> &from, size_t n)
{
	int r = from.at(n);
	STAY();
	return r;
}

NOINLINE int pick_unchecked(std::vector<int> &from, size_t n)
{
	int r = from[n];
	STAY();
	return r;
}

NOINLINE void call(const std::function<void(int)> &function)
{
	function(7);
	STAY();
}

NOINLINE void with_lambda()
{
	call([](int n) {
		FALL();
		(void)n;
		STAY();
	});
	STAY();
}

/* The same with another lambda in front, which changes the number of the one that falls. */
NOINLINE void with_lambdas(bool which)
{
#ifdef CHANGED
	auto unused = [](int n) { return n + 1; };
	if (unused(which) > 7)
		abort();
#endif
	auto inner = [](int n) {
		FALL();
		(void)n;
		STAY();
	};
	inner(which);
	STAY();
}

NOINLINE void sort(std::vector<int> &what)
{
	std::sort(what.begin(), what.end(), [](int a, int b) {
		FALL();
		return a < b;
	});
	STAY();
}

NOINLINE void thread()
{
	std::thread other([] {
		use(1);
		STAY();
	});
	other.join();
	STAY();
}
}

int main(int argc, char **argv)
{
	const std::string way = argc > 1 ? argv[1] : "";
	std::vector<int> some(100, argc), none;
	Round round_one;
	Square square;

	if (way == "use-int")
		use(1);
	else if (way == "use-char")
		use('1');
	else if (way == "use-other")
		use_other(1);
	else if (way == "round")
		draw(round_one);
	else if (way == "square")
		draw(square);
	else if (way == "throw")
		fail(argc > 2 ? argv[2] : "for no reason");
	else if (way == "throw-elsewhere")
		fail_elsewhere("for no reason");
	else if (way == "throw-noexcept")
		fail_deeper("for no reason");
	else if (way == "at")
		return pick(some, 1000);
	else if (way == "index")
		return pick_unchecked(none, nowhere << 40);
	else if (way == "lambda")
		with_lambda();
	else if (way == "lambdas")
		with_lambdas(argc > 9);
	else if (way == "sort")
		sort(some);
	else if (way == "thread")
		thread();
	STAY();
	return 0;
}
