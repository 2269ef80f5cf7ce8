print("daytwo")
